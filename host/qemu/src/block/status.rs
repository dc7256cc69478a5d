//! What jobs do, where they stand, and what goes wrong with them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Copies a node and then follows its writes.
    Mirror,
    /// Moves the contents of overlays down.
    Commit,
    /// Moves the contents of what is below up.
    Stream,
    /// Copies a node as it was at the start.
    Backup,
    /// Writes an empty image.
    Create,
    /// Saves a machine into its images.
    SnapshotSave,
    /// Loads a machine from its images.
    SnapshotLoad,
    /// Deletes a saved machine.
    SnapshotDelete,
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mirror => "mirror",
            Self::Commit => "commit",
            Self::Stream => "stream",
            Self::Backup => "backup",
            Self::Create => "create",
            Self::SnapshotSave => "snapshot-save",
            Self::SnapshotLoad => "snapshot-load",
            Self::SnapshotDelete => "snapshot-delete",
        })
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Made, but not yet running.
    Created,
    /// Works.
    Running,
    /// Paused, by request or after an error of I/O.
    Paused,
    /// Source and target are the same; waits to be completed.
    Ready,
    /// Paused while ready.
    Standby,
    /// Done, but for the other jobs of its transaction.
    Waiting,
    /// Done, but for [`BlockJob::finalize`].
    Pending,
    /// Failed or cancelled, and cleans up.
    Aborting,
    /// Over; how, can be asked until it is dismissed.
    Concluded,
    /// Dismissed.
    Null,
    /// A state that a newer QEMU has brought.
    #[serde(other)]
    Other,
}

/// Where a job stands, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Its id.
    pub id: String,
    /// Its state.
    #[serde(rename = "status")]
    pub state: JobState,
    /// Work that is done, in units of its own: bytes, mostly.
    #[serde(rename = "current-progress")]
    pub current: u64,
    /// All work that is known of; it can grow.
    #[serde(rename = "total-progress")]
    pub total: u64,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// How a job ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobEnd {
    /// It did what it should.
    Completed,
    /// It was cancelled.
    Cancelled,
}

/// What is wrong with a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobProblem {
    /// It failed.
    #[error("{kind} job {id:?} failed: {reason}")]
    Failed {
        /// The job.
        id: String,
        /// What it does.
        kind: JobKind,
        /// QEMU's own words.
        reason: String,
    },
    /// It is not where it should be in time; it still exists.
    #[error("{kind} job {id:?} is not {awaited} after {} s: {status}", within.as_secs_f32())]
    Late {
        /// The job.
        id: String,
        /// What it does.
        kind: JobKind,
        /// What was awaited.
        awaited: &'static str,
        /// How long.
        within: Duration,
        /// Where it stands.
        status: String,
    },
    /// It is over, and did not get where it should on the way.
    #[error("{kind} job {id:?} was never {awaited}: it is {end:?} already")]
    Over {
        /// The job.
        id: String,
        /// What it does.
        kind: JobKind,
        /// What was awaited.
        awaited: &'static str,
        /// How it ended.
        end: JobEnd,
    },
    /// QEMU does not know it: it was waited for before.
    #[error("there is no {kind} job {id:?} any more")]
    Gone {
        /// The job.
        id: String,
        /// What it does.
        kind: JobKind,
    },
}
