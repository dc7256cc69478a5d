//! Images that are made for a test.
//!
//! A test never writes to an image that was there before it. An image that it asks for with `create_image` or
//! `force_create_image` is made for it alone, and its machines write to it directly:
//!
//! - with `remove_image = yes`, which is the default, it lies in the run directory and goes with the test;
//! - with `remove_image = no` it lies beside the place that `image_name` names, and takes that place at once and wholly
//!   when the test has passed. A test that fails, or a vthost that is killed, leaves what was there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempPath;
use vthost_qemu::image::{NewImage, QemuImg, life};
use vthost_qemu::spec::DriveFormat;

use crate::pool::RunDir;
use crate::{Error, ErrorKind, Result};

/// An image that was made for a test.
#[derive(Debug)]
pub(crate) struct Made {
    /// The place that the parameters name.
    place: PathBuf,
    file: PathBuf,
    format: DriveFormat,
    /// The directory of one that goes with the test.
    dir: Option<Arc<RunDir>>,
    /// Keeps other jobs from taking one that is to stay for abandoned.
    _lock: Option<File>,
    /// The file of one that is to stay, until it is published.
    unpublished: Mutex<Option<TempPath>>,
}

impl Made {
    /// An empty image that goes with the test, in place of `new.path`. `name` is its name in `dir`.
    pub(crate) async fn transient(
        tool: &QemuImg,
        new: NewImage,
        dir: Arc<RunDir>,
        name: &str,
    ) -> Result<Self> {
        let file = dir.path().join(name);
        let (place, format) = (new.path.clone(), new.format);
        create(tool, new, &file).await?;
        Ok(Self {
            place,
            file,
            format,
            dir: Some(dir),
            _lock: None,
            unpublished: Mutex::default(),
        })
    }

    /// An empty image that is to stay as `new.path` if the test passes.
    pub(crate) async fn lasting(tool: &QemuImg, new: NewImage) -> Result<Self> {
        let (place, format) = (new.path.clone(), new.format);
        let beside = place.parent().unwrap_or_else(|| Path::new("."));
        let made = tempfile::Builder::new()
            // The form of the names that the next job takes for abandoned, unless they are locked.
            .prefix(".vthost-")
            .suffix(".part")
            .tempfile_in(beside);
        let path = made.map(tempfile::NamedTempFile::into_temp_path);
        let path = path.map_err(|error| {
            let text = format!("no image can be made in {}", beside.display());
            Error::caused(ErrorKind::Other, text, error)
        })?;
        create(tool, new, &path).await?;
        let lock = File::open(&path).and_then(|file| Ok(file.try_lock().map(|()| file)?));
        let lock = lock.map_err(|error| {
            let text = format!("the new image of {} cannot be locked", place.display());
            Error::caused(ErrorKind::Other, text, error)
        })?;
        Ok(Self {
            place,
            file: path.to_path_buf(),
            format,
            dir: None,
            _lock: Some(lock),
            unpublished: Mutex::new(Some(path)),
        })
    }

    /// Whether it is the image of that name.
    pub(crate) fn stands_for(&self, place: &Path) -> bool {
        self.place == place
    }

    /// The file that machines write to.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Its format.
    pub(crate) fn format(&self) -> DriveFormat {
        self.format
    }

    /// The directory that must stay for as long as it is used.
    pub(crate) fn dir(&self) -> Option<Arc<RunDir>> {
        self.dir.clone()
    }

    /// Ends it: one that is to stay takes its place if it is `good`, or is removed. Gives the place that it took.
    pub(crate) fn end(&self, good: bool) -> Result<Option<&Path>> {
        let mut unpublished = self
            .unpublished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match unpublished.take() {
            Some(path) if good => {
                path.persist(&self.place).map_err(|error| {
                    let text = format!("the new image cannot become {}", self.place.display());
                    Error::caused(ErrorKind::Other, text, error)
                })?;
                Ok(Some(&self.place))
            }
            _ => Ok(None),
        }
    }
}

/// Makes an empty image in `file`, which may be there.
async fn create(tool: &QemuImg, new: NewImage, file: &Path) -> Result<()> {
    let text = format!("the image {} cannot be made", new.path.display());
    let new = NewImage {
        path: file.to_owned(),
        ..new
    };
    let made = life::create(tool, &new, life::When::Always).await;
    made.map(drop)
        .map_err(|error| Error::caused(ErrorKind::Other, text, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn lasting(place: &Path, format: DriveFormat, size: u64) -> Result<Made> {
        let tool = QemuImg::find().unwrap();
        Made::lasting(&tool, NewImage::new(place, format, size)).await
    }

    #[tokio::test]
    async fn an_image_takes_its_place_only_if_it_is_good() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("disk.qcow2");
        fs::write(&place, "before").unwrap();
        let bad = lasting(&place, DriveFormat::Qcow2, 1 << 20).await.unwrap();
        assert!(bad.stands_for(&place) && bad.file() != place);
        assert_eq!(bad.end(false).unwrap(), None);
        assert_eq!(fs::read(&place).unwrap(), b"before");
        let good = lasting(&place, DriveFormat::Qcow2, 1 << 20).await.unwrap();
        assert_eq!(good.end(true).unwrap(), Some(&*place));
        assert!(fs::read(&place).unwrap().starts_with(b"QFI\xfb"));
        assert_eq!(good.end(true).unwrap(), None, "it is there already");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_made_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("disk.qcow2");
        let error = lasting(&place, DriveFormat::Qcow2, 1 << 62).await;
        let error = error.unwrap_err().chain();
        assert!(error.contains("disk.qcow2 cannot be made: `"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
