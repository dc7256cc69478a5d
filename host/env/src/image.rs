//! The images of a machine.

mod allowed;
mod made;
mod new;

use std::path::Path;
use std::sync::Arc;

use vthost_params::Params;
use vthost_qemu::image;
use vthost_qemu::spec::{Drive, DriveFormat, Media};

use crate::pool::RunDir;
use crate::{Context, Error, ErrorKind, Result, Vm};

pub(crate) use allowed::{check as check_allowed, check_below, check_read_only};
pub(crate) use made::Made;
pub(crate) use new::{DEFAULT_SIZE, create_args, create_options, tool};

/// Puts what a machine may write to in the place of a drive's image: the image itself if it was made for this test,
/// else an overlay in `dir`, so that the image is never written to. Gives the directory that must stay for it.
pub(crate) async fn stand_in(
    drive: &mut Drive,
    params: &Params,
    dir: &Path,
    made: &[Made],
    context: &Context,
) -> Result<Option<Arc<RunDir>>> {
    if drive.is_empty() {
        return Ok(None);
    }
    let of_media = ["cdrom", "floppy_name"];
    if of_media.iter().any(|key| params.get(key).is_some()) {
        check_read_only(&drive.path, &of_media, params, context)?;
    }
    if drive.media != Media::Disk {
        return Ok(None);
    }
    if let Some(made) = made.iter().find(|made| made.stands_for(&drive.path)) {
        made.file().clone_into(&mut drive.path);
        return Ok(made.dir());
    }
    let base = std::mem::take(&mut drive.path);
    if !base.exists() {
        let text = format!(
            "the image {} does not exist; `vthost bootstrap` builds the default guest, and create_image_{} = yes makes an empty one",
            base.display(),
            drive.id
        );
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let failed = |error: vthost_qemu::ImageError| {
        let text = format!("the image {} cannot be used", base.display());
        Error::caused(ErrorKind::Other, text, error)
    };
    // Before anything of it is read.
    check_allowed(&base, params, context)?;
    let chain = image::Chain::read(&base, drive.format, None).map_err(failed)?;
    for file in chain.files() {
        check_allowed(file, params, context)?;
    }
    let overlay = dir.join(format!("{}.qcow2", drive.id));
    image::create_overlay(&base, &overlay, drive.format)
        .await
        .map_err(failed)?;
    drive.path = overlay;
    drive.backing_format = Some(std::mem::replace(&mut drive.format, DriveFormat::Qcow2));
    let below = chain.files().map(Path::to_owned);
    drive.backing = std::iter::once(base).chain(below).collect();
    Ok(None)
}

/// Puts what another machine writes to in the place of a drive's image, for a machine that waits for a migration: the guest
/// must find there what it has written. Gives the directories that must stay for it, or nothing if no other machine has
/// that image.
pub(crate) fn share(drive: &mut Drive, others: &[&Arc<Vm>]) -> Option<Vec<Arc<RunDir>>> {
    if drive.is_empty() || drive.media != Media::Disk {
        return None;
    }
    let mut others = others.iter().map(|vm| vm.hardware());
    let (theirs, dirs) = others.find_map(|other| {
        let mut drives = other.asked.drives.iter().zip(&other.spec.drives);
        let (_, theirs) = drives.find(|(asked, _)| asked.path == drive.path)?;
        Some((theirs.clone(), other.dirs.clone()))
    })?;
    drive.path = theirs.path;
    drive.format = theirs.format;
    drive.backing = theirs.backing;
    drive.backing_format = theirs.backing_format;
    Some(dirs)
}
