//! What can go wrong with a copy.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::options::{Carrier, Progress};

/// A copy that did not come to its end: what was to be copied, how far it came, and why it stopped.
///
/// Files that are complete stay. The file at which it stopped does not exist under its name, or is the one that was there
/// before.
#[derive(Debug, thiserror::Error)]
#[error("cannot copy {from:?} to {to:?} ({direction} over {carrier}; copied {progress})")]
pub struct TransferError {
    /// The source, as the caller named it.
    pub from: String,
    /// The target, as the caller named it.
    pub to: String,
    /// `to the guest` or `from the guest`.
    pub direction: &'static str,
    /// What carried it.
    pub carrier: Carrier,
    /// How far it came.
    pub progress: Progress,
    /// Why it stopped.
    pub source: TransferFault,
}

/// Why a copy stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferFault {
    /// A file operation on the host failed.
    #[error("cannot {operation} {path:?} on the host")]
    Local {
        /// What was to be done.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Nothing is there to be copied.
    #[error("nothing is found under {pattern:?}")]
    NothingFound {
        /// The path or pattern.
        pattern: String,
    },
    /// A pattern that means nothing.
    #[error("invalid pattern {pattern:?}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: Box<globset::Error>,
    },
    /// The guest gives a file a name that no file on the host gets.
    #[error("the guest names a file {name:?}, which {reason}")]
    Name {
        /// The name, fit for a terminal.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that the carrier cannot express.
    #[error("{carrier} cannot carry the name {name:?}: {reason}")]
    Unnameable {
        /// The carrier.
        carrier: Carrier,
        /// The name, fit for a terminal.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// More than a bound of [`Limits`](super::Limits) allows.
    #[error("more than {limit} {what}; raise the limit of the copy if that is meant")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The guest says that it cannot.
    #[error("the guest cannot {operation} {path:?}: {reason}")]
    Refused {
        /// What was to be done.
        operation: &'static str,
        /// With what, fit for a terminal.
        path: String,
        /// What the guest says, fit for a terminal.
        reason: String,
    },
    /// The guest sends what the protocol does not have.
    #[error("the guest breaks the protocol: {reason}")]
    Protocol {
        /// How, fit for a terminal.
        reason: String,
    },
    /// The carrier has no way to do what the options ask for.
    #[error("{carrier} cannot {operation}")]
    Unsupported {
        /// The carrier.
        carrier: Carrier,
        /// What it cannot do.
        operation: &'static str,
    },
    /// One answer did not come in time.
    #[error("no answer to {operation} within {timeout:?}")]
    Stalled {
        /// What was asked.
        operation: &'static str,
        /// The time that was given.
        timeout: Duration,
    },
    /// The whole did not end in time.
    #[error("not finished within {timeout:?}")]
    Deadline {
        /// The time that was given.
        timeout: Duration,
    },
    /// The connection ended before the copy did.
    #[error("the connection is lost: {reason}")]
    Lost {
        /// How it ended, fit for a terminal.
        reason: String,
    },
    /// No connection to the file server of the guest.
    #[error("cannot connect to {host}:{port}")]
    Connect {
        /// The host name or address tried.
        host: String,
        /// The TCP port tried.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// The ssh connection under the copy failed.
    #[error("the ssh connection failed")]
    Session(#[from] crate::Error),
}

pub(crate) type Result<T, E = TransferFault> = std::result::Result<T, E>;

impl TransferFault {
    pub(crate) fn local(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Local {
            operation,
            path,
            source,
        }
    }

    /// Whether the guest can still be asked for something, such as to remove a half file.
    pub(crate) fn leaves_a_connection(&self) -> bool {
        !matches!(
            self,
            Self::Lost { .. } | Self::Stalled { .. } | Self::Protocol { .. }
        )
    }

    pub(crate) fn protocol(reason: impl Into<String>) -> Self {
        Self::Protocol {
            reason: reason.into(),
        }
    }
}
