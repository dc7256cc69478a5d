//! The life of an image around a test: creation, backup, restoring, keeping, removal.
//!
//! The guide lets tests work on the images themselves and repairs them afterwards: `backup_image_before_testing` copies,
//! `restore_image_after_testing` copies back. Here a test never writes to an image that was there before it, unless the
//! operator says so, and the words keep their meaning on top of that:
//!
//! | where the image is ([`storage`]) | when | `backup_image_*` | `restore_image*` | `remove_image` | kept by |
//! |---|---|---|---|---|---|
//! | [`Storage::Overlay`] | it was there before | nothing to do: the base is the backup | nothing to do: the overlay goes | removes the overlay, never the base | [`save`] |
//! | [`Storage::Scratch`] | the test creates it | nothing to do: it goes with the run directory | nothing to do | removes it | [`save`] |
//! | [`Storage::InPlace`] | the operator lets tests write there | [`backup`] | [`restore`] | [`remove`] | being there |
//!
//! So an installation, whose image the next tests are to find, either runs in place, or is saved when it has passed;
//! the second leaves the old image whole until the new one is complete. Everything here is atomic: the file is written
//! under another name, brought to disk, and renamed. A kill at any moment leaves the old file or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cancel::in_thread;
use super::reference::absolute;
use super::staged::{Staged, copy};
use super::{Chain, ConvertOptions, Copied, ImageError, ImageRef, NewImage, QemuImg, Target};
use crate::spec::DriveFormat;

/// When an image is created before a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// If there is none: `create_image = yes`.
    Missing,
    /// Always: `force_create_image = yes`. What is there is replaced when the new image is complete.
    Always,
}

/// Where a test finds its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In the run directory, as an overlay over the image that was there.
    Overlay,
    /// In the run directory, newly created.
    Scratch,
    /// At its own path. What the test does to it stays.
    InPlace,
}

/// Where a test is to find its image. `exists`: the image is there; `create`: the test asks for its creation;
/// `in_place`: the operator lets tests write to it. `None` if there is no image and none is to be created.
#[must_use]
pub fn storage(exists: bool, create: Option<When>, in_place: bool) -> Option<Storage> {
    let made = match create {
        Some(When::Always) => true,
        Some(When::Missing) => !exists,
        None => false,
    };
    match (made, exists, in_place) {
        (false, false, _) => None,
        (_, _, true) => Some(Storage::InPlace),
        (true, _, false) => Some(Storage::Scratch),
        (false, true, false) => Some(Storage::Overlay),
    }
}

/// Creates an image (`create_image`, `force_create_image`). Returns whether it did.
///
/// # Errors
/// [`ImageError::Invalid`] if something other than a file is in its place; see [`QemuImg::create`].
pub async fn create(tool: &QemuImg, new: &NewImage, when: When) -> Result<bool, ImageError> {
    match (when, exists(&new.path)?) {
        (When::Missing, true) => Ok(false),
        (When::Missing, false) => match tool.create(new).await {
            Err(ImageError::File {
                action: "create",
                path,
                source,
            }) if source.kind() == io::ErrorKind::AlreadyExists && path == absolute(&new.path)? => {
                // Somebody else has made it in the meantime.
                Ok(false)
            }
            made => made.map(|()| true),
        },
        (When::Always, _) => tool.create_over(new, true).await.map(|()| true),
    }
}

/// Where the backup of an image is: `<dir>/<name of its file>.backup`.
#[must_use]
pub fn backup_path(image: &Path, dir: &Path) -> PathBuf {
    let mut name = image.file_name().unwrap_or_default().to_owned();
    name.push(".backup");
    dir.join(name)
}

/// Copies an image to [`backup_path`]. One that is there is replaced if `replace`, and otherwise kept: then the backup
/// is the state before the first of several tests. Returns how it was copied, `None` if a backup was kept.
///
/// # Errors
/// [`ImageError::InUse`] if a machine writes to the image; [`ImageError::Invalid`] if it is not a file, or names a
/// backing file by a relative path; [`ImageError::File`] if the disk is full or the like. The old backup is still there
/// then.
pub async fn backup(
    tool: &QemuImg,
    image: &ImageRef,
    dir: &Path,
    replace: bool,
) -> Result<Option<Copied>, ImageError> {
    let path = file_of(image)?;
    let target = backup_path(path, dir);
    if exists(&target)? && !replace {
        return Ok(None);
    }
    tool.not_in_use(image).await?;
    clone(path, image.format, &target, true).await.map(Some)
}

/// Puts the backup of an image in its place (`restore_image`, `restore_image_after_testing`,
/// `restore_image_on_check_error`). The backup stays. Returns how it was copied.
///
/// # Errors
/// As [`backup`]; [`ImageError::File`] if there is no backup. The image is as it was then.
pub async fn restore(tool: &QemuImg, image: &ImageRef, dir: &Path) -> Result<Copied, ImageError> {
    let path = file_of(image)?;
    if exists(path)? {
        tool.not_in_use(image).await?;
    }
    // What a link leads to is replaced, not the link.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    copy_file(&backup_path(path, dir), &target, true).await
}

/// Copies an image to another file (`image_clone_command` of the reference): in an instant where the file system shares
/// blocks, otherwise byte by byte. What `target` holds is replaced if `replace`.
///
/// # Errors
/// [`ImageError::Invalid`] if the image is not a file, or names its backing file by a path that means another file in
/// the directory of `target`; [`ImageError::File`].
pub async fn clone(
    source: &Path,
    format: DriveFormat,
    target: &Path,
    replace: bool,
) -> Result<Copied, ImageError> {
    let chain = Chain::top(source, format)?;
    let (from, to) = (absolute(source)?, absolute(target)?);
    let relative = chain.members().iter().any(|member| member.relative);
    if relative && from.parent() != to.parent() {
        return Err(ImageError::Invalid {
            path: from,
            format: format.driver(),
            reason: "it names its backing file by a relative path, so a copy works in the same directory only"
                .to_owned(),
        });
    }
    copy_file(&from, &to, replace).await
}

/// Keeps what a test has made (`save_image`, or the result of an installation): copies the disk of an image, with all
/// that is below it, into one file that builds on no other. What is there is replaced if `replace`, when the new image
/// is complete.
///
/// # Errors
/// [`ImageError::InUse`] if a machine writes to the image; see [`QemuImg::convert`].
pub async fn save(
    tool: &QemuImg,
    image: &ImageRef,
    target: &Path,
    format: DriveFormat,
    replace: bool,
) -> Result<(), ImageError> {
    exists(target)?;
    let new = NewImage {
        size: None,
        ..NewImage::new(target, format, 0)
    };
    let target = if replace {
        Target::Replace(&new)
    } else {
        Target::New(&new)
    };
    tool.convert(image, target, &ConvertOptions::default(), None)
        .await
}

/// Removes the file of an image (`remove_image`). Returns whether there was one.
///
/// # Errors
/// [`ImageError::Invalid`] if it is not a file: a block device is never removed; [`ImageError::File`].
pub fn remove(path: &Path) -> Result<bool, ImageError> {
    if !exists(path)? {
        return Ok(false);
    }
    fs::remove_file(path).map_err(|source| ImageError::file("remove", path, source))?;
    Ok(true)
}

/// Whether there is a file.
fn exists(path: &Path) -> Result<bool, ImageError> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(true),
        Ok(_) => Err(ImageError::Invalid {
            path: path.to_owned(),
            format: "disk",
            reason: "it is not a file, and only files are created, copied and removed here"
                .to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ImageError::file("read", path, source)),
    }
}

fn file_of(image: &ImageRef) -> Result<&Path, ImageError> {
    image.path().ok_or_else(|| ImageError::Argument {
        what: "the image",
        value: image.to_string(),
        rule: "it has to be a file to be copied or replaced",
    })
}

async fn copy_file(source: &Path, target: &Path, replace: bool) -> Result<Copied, ImageError> {
    exists(source)?;
    let (from, to) = (source.to_owned(), target.to_owned());
    in_thread("copy", source, move |cancelled| {
        let staged = Staged::beside(&to)?;
        let copied = copy(&from, &staged, cancelled)?;
        staged.commit(replace)?;
        Ok(copied)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_never_written_to_unless_the_operator_says_so() {
        for create in [None, Some(When::Missing), Some(When::Always)] {
            for exists in [false, true] {
                let free = storage(exists, create, false);
                assert_ne!(free, Some(Storage::InPlace));
                let granted = storage(exists, create, true);
                assert_eq!(granted.is_some(), free.is_some());
                assert!(matches!(granted, None | Some(Storage::InPlace)));
            }
        }
        assert_eq!(storage(false, None, false), None);
        assert_eq!(storage(true, None, false), Some(Storage::Overlay));
        let missing = Some(When::Missing);
        assert_eq!(storage(true, missing, false), Some(Storage::Overlay));
        assert_eq!(storage(false, missing, false), Some(Storage::Scratch));
        let always = Some(When::Always);
        assert_eq!(storage(true, always, false), Some(Storage::Scratch));
    }

    #[test]
    fn a_device_is_not_removed() {
        let error = remove(Path::new("/dev/null")).unwrap_err();
        assert!(error.to_string().contains("it is not a file"), "{error}");
        assert!(!remove(Path::new("/nonexistent/image")).unwrap());
    }
}
