//! The guest whose image is wanted.

use vthost_metadata::ExitCode;
use vthost_provider::bootstrap::GuestImage;
use vthost_provider::{CfgFiles, Choices, Dirs, guests};

use crate::failure::Failure;

/// The images of the guests that pass a filter and that this machine's processor can run; the default one without a
/// filter.
pub(super) fn images(
    dirs: &Dirs,
    vt_type: &str,
    filter: Option<&str>,
    choices: &Choices,
) -> Result<Vec<GuestImage>, Failure> {
    let Some(filter) = filter else {
        return Ok(vec![GuestImage::jeos()]);
    };
    let files = CfgFiles::new(dirs, &[], vt_type);
    let mut images: Vec<GuestImage> = Vec::new();
    for guest in guests(&files, choices, &[filter])? {
        let runs = guest.arch.is_empty() || guest.arch == std::env::consts::ARCH;
        let Some(file) = guest.image.filter(|_| runs) else {
            continue;
        };
        // One guest is there on many machines, and its image is the same.
        if images.iter().all(|known| known.file != file) {
            images.push(GuestImage {
                guest: guest.name,
                file,
            });
        }
    }
    if images.is_empty() {
        return Err(Failure::new(
            ExitCode::NothingToRun,
            format!(
                "no guest with an image that runs on this processor passes `{filter}`; `vthost list-guests` shows all"
            ),
        ));
    }
    Ok(images)
}
