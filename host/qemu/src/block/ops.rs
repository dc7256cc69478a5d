//! The jobs that move data between images.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::action::BlockAction;
use super::job::BlockJob;
use super::status::JobKind;
use crate::error::MachineError;
use crate::machine::Machine;

/// What a job does when an image cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Fails.
    #[default]
    Report,
    /// Goes on, and tries the same data again at the end.
    Ignore,
    /// Pauses if there is no space left, else fails.
    Enospc,
    /// Pauses.
    Stop,
}

/// What all jobs have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobOptions {
    /// Its id. Default: a new one.
    pub id: Option<String>,
    /// Limit of the speed in bytes per second. Default: none.
    pub speed: Option<u64>,
    /// What it does when an image cannot be read or written. Default: it fails.
    pub on_error: OnError,
    /// Stop before the last step, and wait for [`BlockJob::finalize`]. Default: false.
    pub manual_finalize: bool,
}

/// How much a mirror copies before it follows the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MirrorSync {
    /// Everything.
    Full,
    /// The top image only; the target has the same files below.
    Top,
    /// Nothing: only what is written from now on.
    None,
}

/// A copy that follows the writes of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The node to copy.
    pub node: String,
    /// The node to copy to, at least as large.
    pub target: String,
    /// How much to copy.
    pub sync: MirrorSync,
    /// Copy each write of the guest before it is reported as done, so that the job gets ready under any load.
    pub write_blocking: bool,
    /// The node whose place the target takes at the end. Default: the copied one.
    pub replaces: Option<String>,
    /// What all jobs have.
    pub job: JobOptions,
}

/// Moving the contents of overlays down into an image below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The active node: that of the device.
    pub node: String,
    /// The highest node whose contents go down. Default: the active one; the job gets ready then, and
    /// [`BlockJob::complete`] puts the device onto the base.
    pub top: Option<String>,
    /// The node that takes the contents. Default: the lowest one.
    pub base: Option<String>,
    /// What all jobs have.
    pub job: JobOptions,
}

/// Moving the contents of lower images up into a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The node that takes the contents.
    pub node: String,
    /// The node that stays below it. Default: none, it will stand alone.
    pub base: Option<String>,
    /// What all jobs have.
    pub job: JobOptions,
}

/// How much a backup copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupSync {
    /// Everything.
    Full,
    /// The top image only.
    Top,
    /// Only what the guest is about to overwrite.
    None,
    /// What this bitmap of the node marks. It is cleared if the backup succeeds.
    Incremental {
        /// The bitmap.
        bitmap: String,
    },
}

/// A copy of a node as it is at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The node to copy.
    pub node: String,
    /// The node to copy to, of the same size.
    pub target: String,
    /// How much to copy.
    pub sync: BackupSync,
    /// Compress the copy, if its format can. Default: false.
    pub compress: bool,
    /// What all jobs have.
    pub job: JobOptions,
}

impl JobOptions {
    /// The arguments that all jobs know. None is dismissed by QEMU itself, so that its end can be asked for.
    fn to_qmp(&self, id: &str) -> Map<String, Value> {
        let mut arguments = Map::new();
        arguments.insert("job-id".to_owned(), id.into());
        arguments.insert("auto-dismiss".to_owned(), false.into());
        arguments.insert("auto-finalize".to_owned(), (!self.manual_finalize).into());
        if let Some(speed) = self.speed {
            arguments.insert("speed".to_owned(), speed.into());
        }
        arguments
    }
}

impl Backup {
    pub(super) fn to_qmp(&self, id: &str) -> Value {
        let mut arguments = self.job.to_qmp(id);
        let sync = match &self.sync {
            BackupSync::Full => "full",
            BackupSync::Top => "top",
            BackupSync::None => "none",
            BackupSync::Incremental { bitmap } => {
                arguments.insert("bitmap".to_owned(), bitmap.clone().into());
                "incremental"
            }
        };
        with(
            arguments,
            json!({
                "device": self.node,
                "target": self.target,
                "sync": sync,
                "compress": self.compress,
                "on-source-error": self.job.on_error,
                "on-target-error": self.job.on_error,
            }),
        )
    }
}

/// Joins the arguments, without those that are null.
fn with(mut arguments: Map<String, Value>, more: Value) -> Value {
    if let Value::Object(more) = more {
        arguments.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(arguments)
}

impl Machine {
    /// Starts a mirror. [`BlockJob::ready`], then [`BlockJob::complete`] puts the guest onto the target, or
    /// [`BlockJob::cancel`] leaves it on the source.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn mirror(&self, mirror: &Mirror) -> Result<BlockJob, MachineError> {
        let job = &mirror.job;
        let arguments = |id: &str| {
            with(
                job.to_qmp(id),
                json!({
                    "device": mirror.node,
                    "target": mirror.target,
                    "sync": mirror.sync,
                    "copy-mode": mirror.write_blocking.then_some("write-blocking"),
                    "replaces": mirror.replaces,
                    "on-source-error": job.on_error,
                    "on-target-error": job.on_error,
                }),
            )
        };
        let id = job.id.as_deref();
        BlockJob::start(self, JobKind::Mirror, id, "blockdev-mirror", arguments).await
    }

    /// Starts a commit.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn commit(&self, commit: &Commit) -> Result<BlockJob, MachineError> {
        let job = &commit.job;
        let arguments = |id: &str| {
            with(
                job.to_qmp(id),
                json!({
                    "device": commit.node,
                    "top-node": commit.top,
                    "base-node": commit.base,
                    "on-error": job.on_error,
                }),
            )
        };
        let id = job.id.as_deref();
        BlockJob::start(self, JobKind::Commit, id, "block-commit", arguments).await
    }

    /// Starts a stream.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn stream(&self, stream: &Stream) -> Result<BlockJob, MachineError> {
        let job = &stream.job;
        let arguments = |id: &str| {
            with(
                job.to_qmp(id),
                json!({
                    "device": stream.node,
                    "base-node": stream.base,
                    "on-error": job.on_error,
                }),
            )
        };
        let id = job.id.as_deref();
        BlockJob::start(self, JobKind::Stream, id, "block-stream", arguments).await
    }

    /// Starts a backup.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn backup(&self, backup: &Backup) -> Result<BlockJob, MachineError> {
        let mut jobs = self
            .transaction(&[BlockAction::Backup(backup.clone())], false)
            .await?;
        jobs.pop().ok_or_else(|| MachineError::Qmp {
            machine: self.name().to_owned(),
            action: "start a backup of".into(),
            source: crate::error::QmpError::Protocol {
                detail: "the transaction has started no job".to_owned(),
            },
        })
    }
}
