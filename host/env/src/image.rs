//! The images of a machine.

use std::path::{Path, PathBuf};

use vthost_params::Params;
use vthost_qemu::image;
use vthost_qemu::spec::{Cache, Drive, DriveFormat, DriveInterface};

use crate::error::check_name;
use crate::{Context, Error, ErrorKind, Result};

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

/// Makes the drive of an image: an overlay in the run directory, so that the base is never written to.
pub(crate) async fn drive(vm: &str, params: &Params, context: &Context) -> Result<Drive> {
    let id = params.object_name();
    check_name("image", id)?;
    let (base, format) = base_image(params, &context.data_dir)?;
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
    let overlay = context.run_dir.join(format!("{vm}-{id}.qcow2"));
    let failed = |error: vthost_qemu::ImageError| {
        let text = format!("the image {} of {vm} cannot be used", base.display());
        Error::caused(ErrorKind::Other, text, error)
    };
    let images =
        (!context.host_files && named_by_provider(params)).then(|| context.data_dir.join("images"));
    let check = |file: &Path| {
        images
            .as_ref()
            .map_or(Ok(()), |dir| check_inside(file, dir))
    };
    // Before anything of it is read.
    check(&base)?;
    let chain = image::backing_chain(&base).map_err(failed)?;
    chain.iter().try_for_each(|file| check(file))?;
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

/// Whether any part of the path of an image came from the configuration of a provider.
fn named_by_provider(params: &Params) -> bool {
    ["image_name", "image_format"].into_iter().any(|key| {
        params
            .origin(key)
            .is_some_and(vthost_params::Origin::is_from_provider)
    })
}

/// Checks that a file is really below `images`, whatever links lead to it. The text of its name was checked before
/// anything started, but a link may have been put there since.
fn check_inside(file: &Path, images: &Path) -> Result<()> {
    let real = file.canonicalize();
    let inside = real
        .and_then(|real| Ok(real.starts_with(images.canonicalize()?)))
        .unwrap_or(false);
    if inside {
        return Ok(());
    }
    let text = format!(
        "{} is not below {}; to let a provider name such images: --grant host-files",
        file.display(),
        images.display()
    );
    Err(Error::new(ErrorKind::AccessDenied, text))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_does_not_lead_out_of_the_images() {
        let dir = tempfile::tempdir().unwrap();
        let images = dir.path().join("images");
        fs::create_dir(&images).unwrap();
        fs::write(images.join("good.raw"), "x").unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        symlink("../secret", images.join("sly.raw")).unwrap();
        assert!(check_inside(&images.join("good.raw"), &images).is_ok());
        let denied = check_inside(&images.join("sly.raw"), &images).unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::AccessDenied);
        assert!(check_inside(&images.join("nothing.raw"), &images).is_err());
    }
}
