//! What can go wrong with a build.

use std::path::{Path, PathBuf};

use crate::escapes::tail_for_humans;
use crate::transfer::{TransferError, TransferFault};

/// A build that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The directory cannot be built from.
    #[error("cannot build {path:?} in a guest: {reason}")]
    Source {
        /// The directory on the host.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The files did not all get to the guest.
    #[error("cannot copy {from:?} to {path:?} in the guest")]
    Copy {
        /// The directory on the host.
        from: PathBuf,
        /// The directory in the guest.
        path: String,
        /// Why not.
        source: Box<TransferFault>,
    },
    /// The manifest did not get to the guest.
    #[error("cannot write the manifest")]
    Manifest(#[from] Box<TransferError>),
    /// The session with the guest failed, or a command that prepares the build.
    #[error("cannot prepare the build")]
    Session(#[source] Box<crate::Error>),
    /// `make` failed.
    #[error(
        "{command:?} in {path:?} of the guest ended with status {status}; last output: {}",
        tail_for_humans(output, 10, 1000)
    )]
    Make {
        /// The command.
        command: String,
        /// The directory in the guest.
        path: String,
        /// Its exit status.
        status: i32,
        /// What it wrote.
        output: String,
    },
}

impl From<crate::Error> for BuildError {
    fn from(error: crate::Error) -> Self {
        Self::Session(Box::new(error))
    }
}

/// The result of a step of a build.
pub type BuildResult<T> = Result<T, BuildError>;

pub(super) fn source(path: &Path, reason: &'static str) -> BuildError {
    let path = path.to_owned();
    BuildError::Source { path, reason }
}
