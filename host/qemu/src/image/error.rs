//! Every way work on an image can fail.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::error::indented;

/// A disk image operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A tool of QEMU is not installed.
    #[error(
        "no {tool} found in PATH; install it with `apt-get install qemu-utils` or run `vthost bootstrap`"
    )]
    NoTool {
        /// `qemu-img`, `qemu-nbd` or `qemu-io`.
        tool: &'static str,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what its format says, or not what can be worked on.
    #[error("{} is not a valid {format} image: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An image builds on a file that it must not, or cannot, build on.
    #[error("{} builds on {}, but {reason}", image.display(), member.display())]
    Chain {
        /// The image whose header names the other file.
        image: PathBuf,
        /// The file it names.
        member: PathBuf,
        /// What is wrong with that file.
        reason: String,
    },
    /// An argument that the tool could not take as it is meant.
    #[error("{what} is {value:?}, but {rule}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// The tool could not be started.
    #[error("cannot run `{command}`")]
    Run {
        /// The whole command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// The rules for what the tool may open could not be made.
    #[error("cannot confine `{command}`: {reason}")]
    Confine {
        /// The whole command.
        command: String,
        /// What failed.
        reason: String,
    },
    /// The tool failed.
    #[error("`{command}` failed ({status}); it said:\n{}", indented(output))]
    Tool {
        /// The whole command.
        command: String,
        /// How the tool ended.
        status: ExitStatus,
        /// The end of what it said.
        output: String,
    },
    /// The secret does not open the image.
    #[error("the secret does not unlock {image}; give the one that the image was made with")]
    Secret {
        /// The image.
        image: String,
    },
    /// Another process has the image open in a way that excludes this one.
    #[error(
        "{image} is in use by another process; end the machine or the job that uses it, or open the image read-only and shared"
    )]
    InUse {
        /// The images of the command.
        image: String,
    },
    /// The tool did not end in time and was killed.
    #[error("`{command}` did not end within {} s and was killed", within.as_secs_f32())]
    Timeout {
        /// The whole command.
        command: String,
        /// How long.
        within: Duration,
    },
    /// The tool printed more than makes sense and was killed.
    #[error("`{command}` printed more than {limit} bytes and was killed")]
    TooMuch {
        /// The whole command.
        command: String,
        /// How much it may print.
        limit: usize,
    },
    /// The tool printed something other than the JSON that was expected.
    #[error("`{command}` printed other JSON than expected")]
    Output {
        /// The whole command.
        command: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The tool printed something other than was expected.
    #[error("`{command}` printed something unexpected:\n{}", indented(output))]
    Unexpected {
        /// The whole command.
        command: String,
        /// What it printed.
        output: String,
    },
    /// A file has another checksum than it should have.
    #[error(
        "{} has the {algorithm} {found}, but {expected} is expected; get the file again, or correct the parameter",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// `md5sum`, `md5sum_1m`, `sha1sum` or `sha256sum`.
        algorithm: &'static str,
        /// The digest that was asked for, in hexadecimal digits.
        expected: String,
        /// The digest that the file has.
        found: String,
    },
    /// The disk does not hold the bytes that it should hold.
    #[error(
        "{image} does not hold the pattern {pattern:#04x} in all of the {length} bytes from byte {offset} of its disk on"
    )]
    Pattern {
        /// The image.
        image: String,
        /// The byte that should be there.
        pattern: u8,
        /// Where it should begin.
        offset: u64,
        /// How long it should be.
        length: u64,
    },
}

impl ImageError {
    /// A failure of a system call on a file.
    pub(super) fn file(action: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
