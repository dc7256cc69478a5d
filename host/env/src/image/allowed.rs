//! Which images the configuration of a provider may name.

use std::path::Path;

use vthost_params::Params;

use crate::{Context, Error, ErrorKind, Result};

/// Checks that a test may use a file as an image: the configuration of a provider may name those in the directory of
/// images only, unless the operator grants more.
pub(crate) fn check(file: &Path, params: &Params, context: &Context) -> Result<()> {
    if context.host_files || !named_by_provider(params, &["image_name", "image_format"]) {
        return Ok(());
    }
    check_inside(file, &context.data_dir.join("images"))
}

/// Checks that a test may use a file that is only read and that one of these keys names: the configuration of a provider
/// may name those in the directories of images and discs only, unless the operator grants more.
pub(crate) fn check_read_only(
    file: &Path,
    keys: &[&str],
    params: &Params,
    context: &Context,
) -> Result<()> {
    if context.host_files || !named_by_provider(params, keys) {
        return Ok(());
    }
    let dirs = ["images", "isos"].map(|dir| context.data_dir.join(dir));
    check_below(file, &dirs)
}

/// Whether any of these keys came from the configuration of a provider.
fn named_by_provider(params: &Params, keys: &[&str]) -> bool {
    keys.iter().any(|key| {
        // What has a value and no origin was changed by the test itself.
        params.get(key).is_some()
            && params
                .origin(key)
                .is_none_or(vthost_params::Origin::is_from_provider)
    })
}

/// Checks that a file is really below one of these directories, whatever links lead to it.
pub(crate) fn check_below(file: &Path, dirs: &[std::path::PathBuf]) -> Result<()> {
    let mut checked = dirs.iter().map(|dir| check_inside(file, dir));
    let first = checked.next().unwrap_or(Ok(()));
    match first {
        Ok(()) => Ok(()),
        Err(error) => checked.find(Result::is_ok).unwrap_or(Err(error)),
    }
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
