//! Work on the disks of a running machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vthost_qemu::Machine;
use vthost_qemu::block::{
    Backing, Backup, BackupSync, Commit, JobOptions, Mirror, MirrorSync, NewBitmap, NewNode,
    Overlay, Stream,
};
use vthost_qemu::spec::DriveFormat;

use super::Vm;
use crate::error::{check_name, machine_kind};
use crate::{Error, ErrorKind, Result};

/// How much a mirror or backup copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockSync {
    /// The whole disk.
    Full,
    /// What stands in its topmost image.
    Top,
    /// Only what is written from now on.
    None,
}

/// How far a block job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockJobStatus {
    /// QEMU's word: `running`, `ready`, `concluded`.
    pub state: String,
    /// How much is done, in bytes.
    pub done: u64,
    /// How much there is to do, in bytes.
    pub total: u64,
    /// Bytes per second at most; 0 is no limit.
    pub speed: u64,
}

/// Work that QEMU does on a disk. It goes on whether or not anybody keeps this value.
#[derive(Debug)]
pub struct BlockJob {
    machine: Arc<Machine>,
    job: vthost_qemu::block::BlockJob,
    speed: std::sync::atomic::AtomicU64,
}

impl BlockJob {
    fn new(machine: Arc<Machine>, job: vthost_qemu::block::BlockJob) -> Self {
        Self {
            machine,
            job,
            speed: 0.into(),
        }
    }

    fn failed(&self, action: &str, error: vthost_qemu::MachineError) -> Error {
        let text = format!("cannot {action} the job {}", self.job.id);
        Error::caused(machine_kind(&error), text, error)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.job.id
    }

    /// How far it is.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if it is gone.
    pub async fn status(&self) -> Result<BlockJobStatus> {
        let status = self.job.status(&self.machine).await;
        let status = status.map_err(|error| self.failed("ask for", error))?;
        Ok(BlockJobStatus {
            state: format!("{:?}", status.state).to_lowercase(),
            done: status.current,
            total: status.total,
            speed: self.speed.load(std::sync::atomic::Ordering::Relaxed),
        })
    }

    /// Sets the limit of its speed, in bytes per second; 0 is no limit.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if QEMU refuses.
    pub async fn set_speed(&self, speed: u64) -> Result<()> {
        let set = self.job.set_speed(&self.machine, speed).await;
        set.map_err(|error| self.failed("limit", error))?;
        self.speed
            .store(speed, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Stops it for a while.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if it cannot be stopped now.
    pub async fn pause(&self) -> Result<()> {
        let paused = self.job.pause(&self.machine).await;
        paused.map_err(|error| self.failed("pause", error))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if it is not stopped.
    pub async fn resume(&self) -> Result<()> {
        let resumed = self.job.resume(&self.machine).await;
        resumed.map_err(|error| self.failed("resume", error))
    }

    /// Waits until it can be completed.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: it goes on; [`ErrorKind::Gone`] if QEMU ends.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<()> {
        let ready = self.job.ready(&self.machine, timeout).await;
        ready.map_err(|error| self.failed("wait for", error))
    }

    /// Completes a job that is ready, and waits for its end.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn complete(&self, timeout: Duration) -> Result<()> {
        let completed = self.job.complete(&self.machine, timeout).await;
        completed.map_err(|error| self.failed("complete", error))
    }

    /// Ends it before its time, and waits for that.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn cancel(&self, timeout: Duration) -> Result<()> {
        let cancelled = self.job.cancel(&self.machine, true, timeout).await;
        cancelled
            .map(drop)
            .map_err(|error| self.failed("cancel", error))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: it goes on; [`ErrorKind::Gone`] if QEMU ends; else QEMU's words.
    pub async fn wait(&self, timeout: Duration) -> Result<()> {
        let ended = self.job.wait(&self.machine, timeout).await;
        ended
            .map(drop)
            .map_err(|error| self.failed("wait for", error))
    }
}

/// The node of an image that was added to a running machine.
fn node_of(image: &str) -> Result<String> {
    check_name("image", image)?;
    Ok(format!("drive_{image}"))
}

impl Vm {
    /// The file of an image that is made while the machine runs.
    pub(super) fn new_file(&self, image: &str, format: DriveFormat) -> Result<PathBuf> {
        check_name("image", image)?;
        let name = format!("{image}.{}", format.driver());
        Ok(self.paths.run_dir().join(name))
    }

    /// A file that was made so, with its format.
    pub(crate) fn made_file(&self, image: &str) -> Option<(PathBuf, DriveFormat)> {
        let formats = [DriveFormat::Qcow2, DriveFormat::Raw, DriveFormat::Vmdk];
        formats.into_iter().find_map(|format| {
            let file = self.new_file(image, format).ok()?;
            file.exists().then_some((file, format))
        })
    }

    /// The topmost node of a disk.
    async fn top_node(&self, machine: &Machine, image: &str) -> Result<String> {
        let node = machine.root_node(image).await;
        node.map_err(|error| self.failed("find a disk of", error))
    }

    /// Makes a snapshot: the disk is written to a new overlay from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such disk; [`ErrorKind::Invalid`] for a name that is no name.
    pub async fn live_snapshot(&self, image: &str, overlay: &str) -> Result<()> {
        let machine = self.machine()?;
        let overlay = Overlay {
            device: image.to_owned(),
            node: node_of(overlay)?,
            path: self.new_file(overlay, DriveFormat::Qcow2)?,
        };
        let made = machine.live_snapshot(&[overlay]).await;
        made.map(drop)
            .map_err(|error| self.failed("take a snapshot of", error))
    }

    /// Writes what stands in `top` into the image below, down to `base`.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn block_commit(
        &self,
        image: &str,
        top: Option<&str>,
        base: Option<&str>,
    ) -> Result<BlockJob> {
        let machine = self.machine()?;
        let base = match base {
            Some(base) => node_of(base)?,
            // The image below is the operator's, or nobody's: the overlay that the machine was started with is the end.
            None => node_of(image)?,
        };
        let commit = Commit {
            node: self.top_node(&machine, image).await?,
            top: top.map(node_of).transpose()?,
            base: Some(base),
            job: JobOptions::default(),
        };
        let begun = machine.commit(&commit).await;
        let job = begun.map_err(|error| self.failed("commit a disk of", error))?;
        Ok(BlockJob::new(machine, job))
    }

    /// Reads what stands below into the disk's topmost image, down to `base`.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn block_stream(&self, image: &str, base: Option<&str>) -> Result<BlockJob> {
        let machine = self.machine()?;
        let stream = Stream {
            node: self.top_node(&machine, image).await?,
            base: base.map(node_of).transpose()?,
            job: JobOptions::default(),
        };
        let begun = machine.stream(&stream).await;
        let job = begun.map_err(|error| self.failed("stream a disk of", error))?;
        Ok(BlockJob::new(machine, job))
    }

    /// Adds a new image, as large as the disk, that a job copies to.
    async fn new_target(&self, machine: &Machine, image: &str, target: &str) -> Result<String> {
        let params = self.params.object(target);
        let format = params.get_or("image_format", "qcow2");
        let format = DriveFormat::from_name(format)
            .ok_or_else(|| params.invalid("image_format", "a format of images"))?;
        let node = node_of(target)?;
        let device = machine.block_device(image).await;
        let device = device.map_err(|error| self.failed("find a disk of", error))?;
        let medium = device.medium.ok_or_else(|| {
            let text = format!("the drive {image} of {} is empty", self.name);
            Error::new(ErrorKind::NotFound, text)
        })?;
        let new = NewNode {
            backing: Backing::None,
            ..NewNode::new(&node, self.new_file(target, format)?, format)
        };
        let made = machine.create_node(&new, medium.virtual_size).await;
        made.map_err(|error| self.failed("make an image for", error))?;
        Ok(node)
    }

    /// Copies the disk to a new image, and everything that is written meanwhile.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn block_mirror(
        &self,
        image: &str,
        target: &str,
        sync: BlockSync,
    ) -> Result<BlockJob> {
        let machine = self.machine()?;
        let mirror = Mirror {
            node: self.top_node(&machine, image).await?,
            target: self.new_target(&machine, image, target).await?,
            sync: match sync {
                BlockSync::Full => MirrorSync::Full,
                BlockSync::Top => MirrorSync::Top,
                BlockSync::None => MirrorSync::None,
            },
            write_blocking: false,
            replaces: None,
            job: JobOptions::default(),
        };
        let begun = machine.mirror(&mirror).await;
        let job = begun.map_err(|error| self.failed("mirror a disk of", error))?;
        Ok(BlockJob::new(machine, job))
    }

    /// Copies the disk as it is now to a new image; with a bitmap, only what it marks.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn block_backup(
        &self,
        image: &str,
        target: &str,
        sync: BlockSync,
        bitmap: Option<&str>,
    ) -> Result<BlockJob> {
        let machine = self.machine()?;
        let backup = Backup {
            node: self.top_node(&machine, image).await?,
            target: self.new_target(&machine, image, target).await?,
            sync: match (bitmap, sync) {
                (Some(bitmap), _) => BackupSync::Incremental {
                    bitmap: bitmap.to_owned(),
                },
                (None, BlockSync::Full) => BackupSync::Full,
                (None, BlockSync::Top) => BackupSync::Top,
                (None, BlockSync::None) => BackupSync::None,
            },
            compress: false,
            job: JobOptions::default(),
        };
        let begun = machine.backup(&backup).await;
        let job = begun.map_err(|error| self.failed("back a disk up of", error))?;
        Ok(BlockJob::new(machine, job))
    }

    /// Begins to mark what is written to the disk.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn bitmap_add(&self, image: &str, bitmap: &str) -> Result<()> {
        check_name("bitmap", bitmap)?;
        let machine = self.machine()?;
        let node = self.top_node(&machine, image).await?;
        let added = machine.add_bitmap(NewBitmap::new(node, bitmap)).await;
        added.map_err(|error| self.failed("add a bitmap to a disk of", error))
    }

    /// Forgets a bitmap.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn bitmap_remove(&self, image: &str, bitmap: &str) -> Result<()> {
        let machine = self.machine()?;
        let node = self.top_node(&machine, image).await?;
        let removed = machine.remove_bitmap(&node, bitmap).await;
        removed.map_err(|error| self.failed("remove a bitmap of a disk of", error))
    }

    /// Makes the disk larger, to so many bytes.
    ///
    /// # Errors
    /// What QEMU said.
    pub async fn block_resize(&self, image: &str, bytes: u64) -> Result<()> {
        let machine = self.machine()?;
        let node = self.top_node(&machine, image).await?;
        let resized = machine.resize_node(&node, bytes).await;
        resized.map_err(|error| self.failed("resize a disk of", error))
    }

    /// Saves the state of the machine inside its images.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]; what QEMU said if an image cannot hold it.
    pub async fn savevm(&self, tag: &str, timeout: Duration) -> Result<()> {
        check_name("saved state", tag)?;
        let machine = self.machine()?;
        let begun = machine.save_snapshot(tag).await;
        let job = begun.map_err(|error| self.failed("save", error))?;
        BlockJob::new(machine, job).wait(timeout).await
    }

    /// Goes back to a saved state.
    ///
    /// # Errors
    /// What QEMU said if there is none of that name.
    pub async fn loadvm(&self, tag: &str, timeout: Duration) -> Result<()> {
        let machine = self.machine()?;
        let begun = machine.load_snapshot(tag).await;
        let job = begun.map_err(|error| self.failed("go back to a saved state of", error))?;
        BlockJob::new(machine, job).wait(timeout).await?;
        // The guest knows nothing of connections that were made since.
        self.abandon_sessions();
        Ok(())
    }

    /// Removes a saved state.
    ///
    /// # Errors
    /// What QEMU said if there is none of that name.
    pub async fn delvm(&self, tag: &str, timeout: Duration) -> Result<()> {
        let machine = self.machine()?;
        let begun = machine.delete_snapshot(tag).await;
        let job = begun.map_err(|error| self.failed("remove a saved state of", error))?;
        BlockJob::new(machine, job).wait(timeout).await
    }
}
