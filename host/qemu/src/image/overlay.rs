//! Overlays: what a test may write to, over an image that it may not.

use std::path::{Path, PathBuf};

use super::staged::{Staged, reflink};
use super::{Chain, ImageError, ImageRef, NewImage, QemuImg, qcow2};
use crate::spec::DriveFormat;

/// A writable image that begins with the data of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: DriveFormat,
    /// The files it builds on, nearest first. Empty if it shares blocks with the base instead.
    pub backing: Vec<PathBuf>,
}

impl Overlay {
    /// The overlay as the tools name it.
    #[must_use]
    pub fn image(&self) -> ImageRef {
        ImageRef::file(&self.path, self.format).with_backing(&self.backing)
    }
}

/// Makes an image that a test may write to: `<stem>.<format>` over a base, which is only read.
///
/// Where the file system can share blocks (btrfs, XFS, bcachefs), it is a copy in the format of the base, so that the
/// test finds the format it asked for. Otherwise, and for a base that is more than one file or a block device, it is a
/// qcow2 overlay. `base` is the chain of the base, as [`Chain::read`] checked it.
///
/// # Errors
/// As [`create_overlay`].
pub async fn overlay(base: &Chain, stem: &Path) -> Result<Overlay, ImageError> {
    let Some(top) = base.members().first() else {
        return Err(ImageError::Invalid {
            path: stem.to_owned(),
            format: "base",
            reason: "its chain is empty".to_owned(),
        });
    };
    let path = |format: DriveFormat| {
        let mut path = stem.as_os_str().to_owned();
        path.push(format!(".{}", format.driver()));
        PathBuf::from(path)
    };
    // A VMDK may be made of several files.
    if base.is_single() && top.format != DriveFormat::Vmdk {
        let target = path(top.format);
        let staged = Staged::beside(&target)?;
        let file = qcow2::open(&top.path)?;
        let shared = reflink(&file, &staged);
        if shared.map_err(|source| ImageError::file("copy", &top.path, source))? {
            staged.publish(false)?;
            return Ok(Overlay {
                path: target,
                format: top.format,
                backing: Vec::new(),
            });
        }
    }
    let target = path(DriveFormat::Qcow2);
    create_overlay(&top.path, &target, top.format).await?;
    let below = base.files().map(Path::to_owned);
    Ok(Overlay {
        path: target,
        format: DriveFormat::Qcow2,
        backing: std::iter::once(top.path.clone()).chain(below).collect(),
    })
}

/// Makes a qcow2 overlay over a read-only base; `overlay` must not exist yet. Over qcow2 and raw bases this takes well
/// below a millisecond, because the few clusters of an empty overlay are written right here; over other formats
/// `qemu-img create` does it. The base is referred to by its absolute path. The overlay appears complete or not at all;
/// it is not forced to disk.
///
/// # Errors
/// [`ImageError::File`] if the base cannot be read or the overlay exists, [`ImageError::Invalid`] if the base is not
/// what `format` says; of other formats than qcow2 and raw the errors of [`QemuImg::create`].
pub async fn create_overlay(
    base: &Path,
    overlay: &Path,
    format: DriveFormat,
) -> Result<(), ImageError> {
    let base = base
        .canonicalize()
        .map_err(|source| ImageError::file("read", base, source))?;
    if !matches!(format, DriveFormat::Qcow2 | DriveFormat::Raw) {
        let new = NewImage {
            backing: Some(ImageRef::file(base, format)),
            size: None,
            ..NewImage::new(overlay, DriveFormat::Qcow2, 0)
        };
        return QemuImg::find()?.create(&new).await;
    }
    let size = virtual_size(&base, format)?;
    let staged = Staged::beside(overlay)?;
    qcow2::write_overlay(staged.file(), &base, format.driver(), size)?;
    staged.publish(false)
}

/// The size of the disk that an image holds, in bytes. For qcow2 and raw images.
fn virtual_size(path: &Path, format: DriveFormat) -> Result<u64, ImageError> {
    let mut file = qcow2::open(path)?;
    if format == DriveFormat::Qcow2 {
        return qcow2::Header::read(path, &file).map(|header| header.size);
    }
    // By seeking, so that it works for block devices as well.
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))
        .map_err(|source| ImageError::file("read", path, source))
}
