//! Work on the disks of a running machine.

use std::time::Duration;

use crate::bindings::vthost::vm::blocks as raw;
use crate::session::milliseconds;
use crate::{Error, Vm};

pub use raw::BlockSync;

/// How far a block job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockJobStatus {
    /// QEMU's word: `running`, `ready`, `concluded`.
    pub state: String,
    /// How much is done, in bytes.
    pub done: u64,
    /// How much there is to do, in bytes; it may grow.
    pub total: u64,
    /// Bytes per second at most; 0 is no limit.
    pub speed: u64,
}

/// Work that QEMU does on a disk. Dropping the handle does not end it.
#[derive(Debug)]
pub struct BlockJob(raw::BlockJob);

impl BlockJob {
    /// Its id.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// How far it is.
    ///
    /// # Errors
    /// [`Error::Gone`] if it is gone.
    pub fn status(&self) -> Result<BlockJobStatus, Error> {
        let status = self.0.status()?;
        Ok(BlockJobStatus {
            state: status.state,
            done: status.done,
            total: status.total,
            speed: status.speed,
        })
    }

    /// Sets the limit of its speed, in bytes per second; 0 is no limit.
    ///
    /// # Errors
    /// [`Error::Gone`] if it is gone.
    pub fn set_speed(&self, speed: u64) -> Result<(), Error> {
        Ok(self.0.set_speed(speed)?)
    }

    /// Stops it for a while.
    ///
    /// # Errors
    /// [`Error`] if it cannot be stopped now.
    pub fn pause(&self) -> Result<(), Error> {
        Ok(self.0.pause()?)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`Error`] if it is not stopped.
    pub fn resume(&self) -> Result<(), Error> {
        Ok(self.0.resume()?)
    }

    /// Waits until it can be completed.
    ///
    /// # Errors
    /// [`Error::TimedOut`]: it goes on; [`Error::Other`] with QEMU's text if it failed.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.wait_ready(milliseconds(timeout))?)
    }

    /// Completes a job that is ready, and waits for its end.
    ///
    /// # Errors
    /// [`Error`] if it is not ready or fails.
    pub fn complete(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.complete(milliseconds(timeout))?)
    }

    /// Ends it before its time, and waits for that; the disk stays as it was.
    ///
    /// # Errors
    /// [`Error::Gone`] if it has ended already.
    pub fn cancel(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.cancel(milliseconds(timeout))?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::TimedOut`]: it goes on; [`Error::Other`] with QEMU's text if it failed.
    pub fn wait(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.wait(milliseconds(timeout))?)
    }
}

/// A disk goes by the name of its image; new files are made in the directory of the test and go with it.
impl Vm {
    /// Makes a snapshot: the disk is written to a new overlay from now on, which `overlay` names.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such disk.
    pub fn live_snapshot(&self, image: &str, overlay: &str) -> Result<(), Error> {
        Ok(raw::live_snapshot(self.raw(), image, overlay)?)
    }

    /// Writes what stands in `top` into the image below, down to `base`; without them, all overlays that
    /// [`live_snapshot`](Self::live_snapshot) made.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said.
    pub fn block_commit(
        &self,
        image: &str,
        top: Option<&str>,
        base: Option<&str>,
    ) -> Result<BlockJob, Error> {
        Ok(BlockJob(raw::block_commit(self.raw(), image, top, base)?))
    }

    /// Reads what stands below into the disk's topmost image, down to `base`; without it, down to the image that the disk
    /// was made from.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said.
    pub fn block_stream(&self, image: &str, base: Option<&str>) -> Result<BlockJob, Error> {
        Ok(BlockJob(raw::block_stream(self.raw(), image, base)?))
    }

    /// Copies the disk to a new image `target`, and everything that is written meanwhile.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said.
    pub fn block_mirror(
        &self,
        image: &str,
        target: &str,
        sync: BlockSync,
    ) -> Result<BlockJob, Error> {
        Ok(BlockJob(raw::block_mirror(
            self.raw(),
            image,
            target,
            sync,
        )?))
    }

    /// Copies the disk as it is now to a new image `target`. With a bitmap, only what it marks.
    ///
    /// # Errors
    /// [`Error`] with what QEMU said.
    pub fn block_backup(
        &self,
        image: &str,
        target: &str,
        sync: BlockSync,
        bitmap: Option<&str>,
    ) -> Result<BlockJob, Error> {
        let job = raw::block_backup(self.raw(), image, target, sync, bitmap)?;
        Ok(BlockJob(job))
    }

    /// Begins to mark what is written to the disk.
    ///
    /// # Errors
    /// [`Error`] if there is a bitmap of that name.
    pub fn bitmap_add(&self, image: &str, bitmap: &str) -> Result<(), Error> {
        Ok(raw::bitmap_add(self.raw(), image, bitmap)?)
    }

    /// Forgets a bitmap.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none of that name.
    pub fn bitmap_remove(&self, image: &str, bitmap: &str) -> Result<(), Error> {
        Ok(raw::bitmap_remove(self.raw(), image, bitmap)?)
    }

    /// Makes the disk larger, to so many bytes.
    ///
    /// # Errors
    /// [`Error`] if QEMU refuses.
    pub fn block_resize(&self, image: &str, bytes: u64) -> Result<(), Error> {
        Ok(raw::block_resize(self.raw(), image, bytes)?)
    }

    /// Saves the state of the machine and its disks inside its images. Similar to `vm.savevm()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] if an image cannot hold it.
    pub fn savevm(&self, tag: &str, timeout: Duration) -> Result<(), Error> {
        Ok(raw::savevm(self.raw(), tag, milliseconds(timeout))?)
    }

    /// Goes back to a saved state. Sessions of the time between are dead.
    ///
    /// # Errors
    /// [`Error`] if there is none of that name.
    pub fn loadvm(&self, tag: &str, timeout: Duration) -> Result<(), Error> {
        Ok(raw::loadvm(self.raw(), tag, milliseconds(timeout))?)
    }

    /// Removes a saved state.
    ///
    /// # Errors
    /// [`Error`] if there is none of that name.
    pub fn delvm(&self, tag: &str, timeout: Duration) -> Result<(), Error> {
        Ok(raw::delvm(self.raw(), tag, milliseconds(timeout))?)
    }
}
