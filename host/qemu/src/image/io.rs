//! `qemu-io`: bytes of a disk, read and written without a machine.

use std::path::PathBuf;
use std::time::Duration;

use super::confine::Access;
use super::tool::{Call, Tool};
use super::{ImageError, ImageRef};

/// One thing to do with a disk. Offsets and lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoCommand {
    /// Write this byte over and over.
    Write {
        /// The byte.
        pattern: u8,
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// Write zeros, efficiently where the format can.
    WriteZeroes {
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// Give the space back.
    Discard {
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// Check that this byte is there, over and over.
    Verify {
        /// The byte.
        pattern: u8,
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// Write all to disk.
    Flush,
}

impl IoCommand {
    fn text(self) -> String {
        match self {
            Self::Write {
                pattern,
                offset,
                length,
            } => format!("write -q -P {pattern} {offset} {length}"),
            Self::WriteZeroes { offset, length } => format!("write -q -z {offset} {length}"),
            Self::Discard { offset, length } => format!("discard -q {offset} {length}"),
            Self::Verify {
                pattern,
                offset,
                length,
            } => format!("read -q -P {pattern} {offset} {length}"),
            Self::Flush => "flush".to_owned(),
        }
    }

    fn writes(self) -> bool {
        !matches!(self, Self::Verify { .. })
    }
}

/// `qemu-io`.
#[derive(Debug, Clone)]
pub struct QemuIo {
    tool: Tool,
}

impl QemuIo {
    /// The `qemu-io` that is in `PATH`.
    ///
    /// # Errors
    /// [`ImageError::NoTool`].
    pub fn find() -> Result<Self, ImageError> {
        let tool = Tool::find("qemu-io")?;
        Ok(Self { tool })
    }

    /// The binary at this path (`qemu_io_binary` of the reference).
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let tool = Tool::at(path);
        Self { tool }
    }

    /// The same with another limit for each call. Default: 30 minutes.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.tool.timeout = timeout;
        self
    }

    /// Does one thing after the other with the disk of an image. The first that fails ends it.
    ///
    /// # Errors
    /// [`ImageError::Pattern`] if other bytes are there; [`ImageError::Tool`] and the like, see [`super::QemuImg`].
    pub async fn run(&self, image: &ImageRef, commands: &[IoCommand]) -> Result<(), ImageError> {
        // One call each: the tool would go on after a failure, and with what was not read back.
        for &command in commands {
            self.one(image, command).await?;
        }
        Ok(())
    }

    async fn one(&self, image: &ImageRef, command: IoCommand) -> Result<(), ImageError> {
        let read_only = !command.writes() || image.read_only;
        let access = if read_only {
            Access::Read
        } else {
            Access::Write
        };
        let call = Call::new(&self.tool, None)
            .good(&[0, 1])
            .flag("-r", read_only)
            .flag("-U", image.shared)
            .value("-c", command.text())
            .image(image, access)?;
        let done = call.run().await?;
        if done.code == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&done.stdout);
        let mismatch = text.contains("Pattern verification failed");
        match command {
            IoCommand::Verify {
                pattern,
                offset,
                length,
            } if mismatch => Err(ImageError::Pattern {
                image: image.to_string(),
                pattern,
                offset,
                length,
            }),
            _ => Err(done.unexpected()),
        }
    }
}
