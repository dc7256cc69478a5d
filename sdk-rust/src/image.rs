//! Images of disks, as `qemu-img` works on them.

use std::time::Duration;

use crate::Error;
use crate::bindings::vthost::vm::images as raw;
use crate::device::changes;
use crate::session::milliseconds;

pub use raw::{ImageCheck, ImageMeasure, ImageSnapshot};

/// Creating and removing need no more.
const SOON: Duration = Duration::from_secs(60);

/// An image, by its name in the parameters (`image_format_stg`, `image_size_stg`). It lies in the directory of the test
/// and goes with it. None of these functions may be called while a machine uses it, but [`info`](Self::info).
#[derive(Debug)]
pub struct Image(raw::Image);

impl Image {
    /// The image of that name, with the parameters of the test and these changes. Similar to
    /// `qemu_storage.QemuImg(params, dir, name)` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the parameters make no image.
    pub fn open(name: &str, with: &[(&str, &str)]) -> Result<Self, Error> {
        Ok(Self(raw::open(name, &changes(with), None)?))
    }

    /// [`open`](Self::open) for an image over `base`: [`create`](Self::create) makes an overlay.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the parameters make no image.
    pub fn over(base: &Self, name: &str, with: &[(&str, &str)]) -> Result<Self, Error> {
        Ok(Self(raw::open(name, &changes(with), Some(&base.0))?))
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Makes the file, empty, over one that there may be.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn create(&self) -> Result<(), Error> {
        Ok(self.0.create(milliseconds(SOON))?)
    }

    /// Removes the file. That there is none is no error.
    ///
    /// # Errors
    /// [`Error`] if it cannot be removed.
    pub fn remove(&self) -> Result<(), Error> {
        Ok(self.0.remove()?)
    }

    /// What `qemu-img info` tells: JSON.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn info(&self) -> Result<String, Error> {
        Ok(self.0.info()?)
    }

    /// Which parts of the disk are allocated where: JSON.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn map(&self) -> Result<String, Error> {
        Ok(self.0.map_extents()?)
    }

    /// Checks its consistency.
    ///
    /// # Errors
    /// [`Error`] if it cannot be checked; damage is a result.
    pub fn check(&self, timeout: Duration) -> Result<ImageCheck, Error> {
        Ok(self.0.check(milliseconds(timeout))?)
    }

    /// Copies what it holds to `target`, in the format of that.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn convert(&self, target: &Self, compressed: bool, timeout: Duration) -> Result<(), Error> {
        let timeout = milliseconds(timeout);
        Ok(self.0.convert(&target.0, compressed, timeout)?)
    }

    /// Makes `base` the image below it; none makes it stand alone. `unsafe_mode` only changes the name in it.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn rebase(
        &self,
        base: Option<&Self>,
        unsafe_mode: bool,
        timeout: Duration,
    ) -> Result<(), Error> {
        let base = base.map(|base| &base.0);
        Ok(self.0.rebase(base, unsafe_mode, milliseconds(timeout))?)
    }

    /// Writes what it holds into the image below it.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn commit(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.commit(milliseconds(timeout))?)
    }

    /// Where two images differ; none if they hold the same disk.
    ///
    /// # Errors
    /// [`Error`] if they cannot be compared.
    pub fn compare(&self, other: &Self, timeout: Duration) -> Result<Option<String>, Error> {
        Ok(self.0.compare(&other.0, milliseconds(timeout))?)
    }

    /// Makes the disk so many bytes large. To make it smaller `shrink` has to be given.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn resize(&self, bytes: u64, shrink: bool) -> Result<(), Error> {
        Ok(self.0.resize(bytes, shrink)?)
    }

    /// How much room it would take in another format.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn measure(&self, format: &str) -> Result<ImageMeasure, Error> {
        Ok(self.0.measure(format)?)
    }

    /// Makes a snapshot inside it.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn snapshot_create(&self, tag: &str) -> Result<(), Error> {
        Ok(self.0.snapshot_create(tag)?)
    }

    /// Goes back to a snapshot inside it.
    ///
    /// # Errors
    /// [`Error`] if there is none of that name.
    pub fn snapshot_apply(&self, tag: &str) -> Result<(), Error> {
        Ok(self.0.snapshot_apply(tag)?)
    }

    /// Removes a snapshot inside it.
    ///
    /// # Errors
    /// [`Error`] if there is none of that name.
    pub fn snapshot_delete(&self, tag: &str) -> Result<(), Error> {
        Ok(self.0.snapshot_delete(tag)?)
    }

    /// The snapshots inside it.
    ///
    /// # Errors
    /// [`Error`] with what `qemu-img` said.
    pub fn snapshots(&self) -> Result<Vec<ImageSnapshot>, Error> {
        Ok(self.0.snapshots()?)
    }
}
