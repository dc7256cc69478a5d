//! Disk images.
//!
//! - [`QemuImg`] is `qemu-img` by typed calls, [`QemuIo`] `qemu-io`, [`QemuNbd`] `qemu-nbd`. Each call is
//!   confined to the files it was given (by Landlock, where the kernel has it), bounded in time and output, and dies with
//!   its caller.
//! - An [`ImageRef`] names an image to them: where it is, its format, its secret, how it is opened.
//! - A [`Chain`] is what an image builds on, read from headers that are not trusted.
//! - [`overlay`] and [`create_overlay`] make what a test may write to, without a process.
//! - [`life`] is what happens to images before and after a test. All its writes are atomic: a kill at any moment leaves
//!   the old file or the new one, and perhaps a temporary file that [`sweep`] removes.
//! - [`checksum`] checks files that were downloaded.

mod bitmap;
mod cancel;
mod chain;
pub mod checksum;
mod compare;
mod confine;
mod convert;
mod create;
mod error;
mod exports;
mod info;
mod io;
pub mod life;
mod nbd;
mod options;
mod output;
mod overlay;
mod qcow2;
mod rebase;
mod reference;
mod secret;
mod snapshot;
mod staged;
mod tool;

use std::path::PathBuf;
use std::time::Duration;

pub use bitmap::BitmapAction;
pub use chain::{Chain, Member};
pub use compare::{Comparison, Extent};
pub use convert::{ConvertOptions, Target};
pub use create::{NewImage, Size};
pub use error::ImageError;
pub use exports::Export;
pub use info::{Bitmap, Check, FormatSpecific, ImageInfo, Measure, Repair, Snapshot};
pub use io::{IoCommand, QemuIo};
pub use nbd::{NbdOptions, NbdServer, QemuNbd};
pub use options::{Compat, Compression, CreateOptions, Encryption, Preallocation};
pub use overlay::{Overlay, create_overlay, overlay};
pub use reference::{ImageRef, Place};
pub use secret::Secret;
pub use snapshot::SnapshotAction;
pub use staged::{Copied, sweep};

/// Is told how far a call is, in percent.
pub type Progress<'a> = &'a mut (dyn FnMut(f32) + Send);

/// `qemu-img`. Its calls are in the modules of the commands; each is killed if its future is dropped.
///
/// An error of a call carries the whole command and what it said. [`ImageError::InUse`] and [`ImageError::Secret`] are
/// told from other failures.
#[derive(Debug, Clone)]
pub struct QemuImg {
    tool: tool::Tool,
}

impl QemuImg {
    /// The `qemu-img` that is in `PATH`.
    ///
    /// # Errors
    /// [`ImageError::NoTool`].
    pub fn find() -> Result<Self, ImageError> {
        let tool = tool::Tool::find("qemu-img")?;
        Ok(Self { tool })
    }

    /// The binary at this path (`qemu_img_binary` of the guide).
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let tool = tool::Tool::at(path);
        Self { tool }
    }

    /// The same with another limit for each call. Default: 30 minutes.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.tool.timeout = timeout;
        self
    }

    /// A call of a command that goes on as [`tool::Call`].
    fn call(&self, command: &str) -> tool::Call<'_> {
        tool::Call::new(&self.tool, Some(command))
    }
}
