//! Pictures of the screens: kept, converted, made a video, or thrown away.

use std::fs;
use std::path::Path;

use super::{After, Problems};
use crate::watch::{Frame, picture, video};
use crate::{Environment, Result};

/// Ends the watchers. `encode_video_files` makes an animated PNG (`video-<vm>.apng`) of a screen that changed,
/// `keep_video_files` keeps it; `keep_screendumps` keeps the pictures, `keep_ppm_files` adds them in PPM format, and
/// `keep_png_files = no` takes away those in PNG format.
pub(super) async fn end(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for watched in env.watches.end().await {
        problems.extend(watched.problem);
        let (vm, dir, frames) = (watched.vm, watched.dir, watched.frames);
        if let Err(error) = keep(&vm, &dir, frames, after).await {
            problems.push(error.chain());
        }
    }
    problems
}

async fn keep(vm: &str, dir: &Path, frames: Vec<Frame>, after: &After<'_>) -> Result<()> {
    let params = after.params.object(vm);
    let log = &after.context.log;
    let make_video =
        params.flag("encode_video_files", false)? && params.flag("keep_video_files", true)?;
    let keep_pictures = params.flag("keep_screendumps", true)?;
    let keep_ppm = params.flag("keep_ppm_files", false)?;
    let keep_png = params.flag("keep_png_files", true)?;
    let file = format!("video-{vm}.apng");
    let to = after.context.log_dir.join(&file);
    let dir = dir.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let video = make_video.then(|| video::encode(&frames, &to));
        let converted = if keep_ppm && keep_pictures {
            frames
                .iter()
                .try_for_each(|frame| picture::to_ppm(&frame.file))
        } else {
            Ok(())
        };
        if !keep_pictures || !(keep_png || keep_ppm) {
            // Without pictures there is no directory.
            let _ = fs::remove_dir_all(&dir);
        } else if !keep_png && converted.is_ok() {
            for frame in &frames {
                // It may be gone already, with the results.
                let _ = fs::remove_file(&frame.file);
            }
        }
        (video, converted)
    });
    // A picture that cannot be made is no failure of the test.
    match done.await {
        Ok((video, converted)) => {
            match video {
                Some(Ok(true)) => log.info(format!("the screen of {vm} as it changed: {file}")),
                Some(Err(error)) => log.warn(format!("there is no video of {vm}: {error}")),
                Some(Ok(false)) | None => {}
            }
            if let Err(error) = converted {
                log.warn(format!("the pictures of {vm} cannot be converted: {error}"));
            }
        }
        Err(error) => log.warn(format!("the pictures of {vm} were not worked on: {error}")),
    }
    Ok(())
}
