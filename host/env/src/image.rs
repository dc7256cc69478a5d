//! The images of a machine.

use std::path::{Path, PathBuf};

use vthost_params::Params;
use vthost_qemu::image;
use vthost_qemu::spec::{Cache, Drive, DriveFormat, DriveInterface};

use crate::error::check_name;
use crate::{Error, ErrorKind, Result};

/// The file of an image: `image_name` with the ending of `image_format`, below the data directory unless it is absolute.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a missing name or an unknown format.
pub fn base_image(params: &Params, data_dir: &Path) -> Result<(PathBuf, DriveFormat)> {
    let format = params.get_or("image_format", "qcow2");
    let known = DriveFormat::from_name(format)
        .ok_or_else(|| params.invalid("image_format", "a format of images"))?;
    let name = params.require("image_name")?;
    let mut path = data_dir.join(name).into_os_string();
    path.push(".");
    path.push(format);
    Ok((path.into(), known))
}

/// Makes the drive of an image: an overlay in `run_dir`, so that the base is never written to.
pub(crate) async fn drive(
    vm: &str,
    params: &Params,
    data_dir: &Path,
    run_dir: &Path,
) -> Result<Drive> {
    let id = params.object_name();
    check_name("image", id)?;
    let (base, format) = base_image(params, data_dir)?;
    let interface = match params.get_or("drive_format", "virtio") {
        "virtio" => DriveInterface::VirtioBlk,
        "ide" | "ahci" => DriveInterface::Ide,
        "scsi-hd" => DriveInterface::VirtioScsi,
        _ => {
            return Err(params
                .invalid("drive_format", "`virtio`, `ide` or `scsi-hd`")
                .into());
        }
    };
    if !base.exists() {
        let text = format!(
            "the image {} of {vm} does not exist; `vthost bootstrap` builds the default guest",
            base.display()
        );
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let overlay = run_dir.join(format!("{vm}-{id}.qcow2"));
    let failed = |error: vthost_qemu::ImageError| {
        let text = format!("the image {} of {vm} cannot be used", base.display());
        Error::caused(ErrorKind::Other, text, error)
    };
    let chain = image::backing_chain(&base).map_err(failed)?;
    image::create_overlay(&base, &overlay, format)
        .await
        .map_err(failed)?;
    let mut drive = Drive::disk(id, overlay, DriveFormat::Qcow2, interface);
    drive.backing = std::iter::once(base).chain(chain).collect();
    // The overlay is thrown away after the test, so nothing is gained by waiting for the disk of the host.
    drive.cache = match params.get_or("drive_cache", "") {
        "" => Cache::Unsafe,
        name => {
            Cache::from_name(name).ok_or_else(|| params.invalid("drive_cache", "a cache mode"))?
        }
    };
    Ok(drive)
}
