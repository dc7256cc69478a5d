//! What can go wrong in a report.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// The cause of a failure to write a report: the file system, or the library that renders it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// What can go wrong in a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the job cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BoxError,
    },
    /// The operator's terminal, or what stands for it, cannot be written.
    #[error("cannot write to the terminal")]
    Terminal {
        /// Why.
        source: io::Error,
    },
    /// An event log cannot be read any further.
    #[error("cannot read line {line} of the event log")]
    Read {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
    /// A line of an event log is not an event.
    #[error("line {line} of the event log is not an event")]
    Event {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// An event log is of a version that this vthost would misread.
    #[error("the event log has schema {found}; this vthost reads schema {known}")]
    Schema {
        /// The version of the log.
        found: u32,
        /// The version that this vthost reads.
        known: u32,
    },
    /// An event names a directory that is not below the job's.
    #[error("the directory `{dir}` of test {number} is not below the job's directory")]
    OutsideJob {
        /// The number of the test.
        number: usize,
        /// The directory, made printable.
        dir: String,
    },
}

impl ReportError {
    /// For `map_err`: a failure to write `path`.
    pub(crate) fn write<E: Into<BoxError>>(path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::Write {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// For `map_err`: a failure to write to the terminal.
    pub(crate) fn terminal(source: io::Error) -> Self {
        Self::Terminal { source }
    }
}
