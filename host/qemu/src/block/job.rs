//! Jobs: long operations of QEMU, from their start to their end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::status::{JobEnd, JobKind, JobProblem, JobState, JobStatus};
use crate::error::{MachineError, QmpError};
use crate::machine::Machine;

/// A job that was started. It goes on whether or not anybody keeps this value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockJob {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// The position of the events at its start.
    since: u64,
}

impl BlockJob {
    /// Starts a job by a command of the monitor, with a new id if none is given. It will not be dismissed by QEMU
    /// itself, so that its end can be asked for.
    pub(super) async fn start(
        machine: &Machine,
        kind: JobKind,
        id: Option<&str>,
        command: &str,
        arguments: impl FnOnce(&str) -> Value,
    ) -> Result<Self, MachineError> {
        let job = Self::new(machine, kind, id);
        let action = format!("start {kind} job {} of", job.id);
        let arguments = arguments(&job.id);
        machine.command(action, command, arguments).await?;
        Ok(job)
    }

    /// A job that is about to be started.
    pub(super) fn new(machine: &Machine, kind: JobKind, id: Option<&str>) -> Self {
        let made = || format!("{kind}_{}", machine.live().number());
        Self {
            id: id.map_or_else(made, str::to_owned),
            kind,
            since: machine.qmp().cursor(),
        }
    }

    /// Where it stands.
    ///
    /// # Errors
    /// [`MachineError::Job`] if there is no such job any more; [`MachineError::Qmp`].
    pub async fn status(&self, machine: &Machine) -> Result<JobStatus, MachineError> {
        let jobs = machine.jobs().await?;
        let found = jobs.into_iter().find(|job| job.id == self.id);
        found.ok_or_else(|| {
            self.problem(
                machine,
                JobProblem::Gone {
                    id: self.id.clone(),
                    kind: self.kind,
                },
            )
        })
    }

    /// Waits until source and target are the same (mirror, and commit of the active layer).
    ///
    /// # Errors
    /// [`MachineError::Job`] if it fails, ends without, or is late; [`MachineError::Ended`] at once if QEMU ends.
    pub async fn ready(&self, machine: &Machine, limit: Duration) -> Result<(), MachineError> {
        self.reach(machine, limit, "ready", JobState::Ready).await
    }

    /// Waits until all work is done and [`BlockJob::finalize`] is due (jobs with
    /// [`super::JobOptions::manual_finalize`]).
    ///
    /// # Errors
    /// As [`BlockJob::ready`].
    pub async fn pending(&self, machine: &Machine, limit: Duration) -> Result<(), MachineError> {
        self.reach(machine, limit, "pending", JobState::Pending)
            .await
    }

    /// Waits for the end, and dismisses the job.
    ///
    /// # Errors
    /// [`MachineError::Job`] if it failed or is late; [`MachineError::Ended`] at once if QEMU ends.
    pub async fn wait(&self, machine: &Machine, limit: Duration) -> Result<JobEnd, MachineError> {
        self.await_state(machine, limit, "concluded", JobState::Concluded)
            .await?;
        let status = self.status(machine).await?;
        // It is the last thing to do with it; if it fails, nothing depends on it.
        let dismissed = self.control(machine, "job-dismiss").await;
        tracing::debug!(job = self.id, ?dismissed, "job dismissed");
        let cancelled = machine.qmp().events_since(self.since).iter().any(|event| {
            event.name == "BLOCK_JOB_CANCELLED" && event.data["device"] == self.id.as_str()
        });
        match status.error {
            None => Ok(JobEnd::Completed),
            Some(_) if cancelled => Ok(JobEnd::Cancelled),
            Some(reason) => Err(self.problem(
                machine,
                JobProblem::Failed {
                    id: self.id.clone(),
                    kind: self.kind,
                    reason,
                },
            )),
        }
    }

    /// Waits until the job is ready, lets the target take the place of the source, and waits for the end.
    ///
    /// # Errors
    /// As [`BlockJob::ready`] and [`BlockJob::wait`].
    pub async fn complete(&self, machine: &Machine, limit: Duration) -> Result<(), MachineError> {
        let begun = tokio::time::Instant::now();
        self.ready(machine, limit).await?;
        self.control(machine, "job-complete").await?;
        let left = limit.saturating_sub(begun.elapsed());
        self.wait(machine, left).await.map(drop)
    }

    /// Ends the job early and waits for its end. A mirror that is ready stops cleanly: source and target are the same
    /// then, and the guest stays on the source; `force` breaks it off at once.
    ///
    /// # Errors
    /// As [`BlockJob::wait`]; [`MachineError::Qmp`] if it cannot be cancelled any more.
    pub async fn cancel(
        &self,
        machine: &Machine,
        force: bool,
        limit: Duration,
    ) -> Result<JobEnd, MachineError> {
        let snapshots = matches!(
            self.kind,
            JobKind::SnapshotSave | JobKind::SnapshotLoad | JobKind::SnapshotDelete
        );
        if snapshots || self.kind == JobKind::Create {
            self.control(machine, "job-cancel").await?;
        } else {
            let arguments = json!({ "device": self.id, "force": force });
            let action = format!("cancel job {} of", self.id);
            machine
                .command(action, "block-job-cancel", arguments)
                .await?;
        }
        self.wait(machine, limit).await
    }

    /// Pauses the job.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn pause(&self, machine: &Machine) -> Result<(), MachineError> {
        self.control(machine, "job-pause").await
    }

    /// Lets a paused job go on.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn resume(&self, machine: &Machine) -> Result<(), MachineError> {
        self.control(machine, "job-resume").await
    }

    /// Does the last step of a job with [`super::JobOptions::manual_finalize`].
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if it is not pending.
    pub async fn finalize(&self, machine: &Machine) -> Result<(), MachineError> {
        self.control(machine, "job-finalize").await
    }

    /// Limits the speed, in bytes per second; 0 is no limit.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn set_speed(&self, machine: &Machine, speed: u64) -> Result<(), MachineError> {
        let arguments = json!({ "device": self.id, "speed": speed });
        let action = format!("set the speed of job {} of", self.id);
        machine
            .command(action, "block-job-set-speed", arguments)
            .await
            .map(drop)
    }

    async fn control(&self, machine: &Machine, command: &str) -> Result<(), MachineError> {
        let verb = command.strip_prefix("job-").unwrap_or(command);
        let action = format!("{verb} job {} of", self.id);
        let arguments = json!({ "id": self.id });
        machine.command(action, command, arguments).await.map(drop)
    }

    /// Waits for a state that is not the end.
    async fn reach(
        &self,
        machine: &Machine,
        limit: Duration,
        awaited: &'static str,
        wanted: JobState,
    ) -> Result<(), MachineError> {
        let reached = self.await_state(machine, limit, awaited, wanted).await?;
        if reached == wanted {
            return Ok(());
        }
        let end = self.wait(machine, limit).await?;
        Err(self.problem(
            machine,
            JobProblem::Over {
                id: self.id.clone(),
                kind: self.kind,
                awaited,
                end,
            },
        ))
    }

    /// Waits for a state, or for the end.
    async fn await_state(
        &self,
        machine: &Machine,
        limit: Duration,
        awaited: &'static str,
        wanted: JobState,
    ) -> Result<JobState, MachineError> {
        let what = format!("{awaited} job {}", self.id);
        let seen = machine.qmp().wait_map(&what, self.since, limit, |event| {
            let ours = event.name == "JOB_STATUS_CHANGE" && event.data["id"] == self.id.as_str();
            let state = ours.then(|| JobState::deserialize(&event.data["status"]).ok())??;
            (state == wanted || matches!(state, JobState::Concluded | JobState::Null))
                .then_some(state)
        });
        let source = match seen.await {
            Ok(state) => return Ok(state),
            Err(source) => source,
        };
        if !matches!(source, QmpError::Timeout { .. }) {
            return Err(machine.explain("await a job of", source).await);
        }
        let JobStatus {
            state,
            current,
            total,
            ..
        } = self.status(machine).await?;
        Err(self.problem(
            machine,
            JobProblem::Late {
                id: self.id.clone(),
                kind: self.kind,
                awaited,
                within: limit,
                status: format!("it is {state:?}, {current} of {total} done"),
            },
        ))
    }

    fn problem(&self, machine: &Machine, problem: JobProblem) -> MachineError {
        MachineError::Job {
            machine: machine.name().to_owned(),
            problem: Box::new(problem),
        }
    }
}

impl Machine {
    /// All jobs that are not dismissed.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn jobs(&self) -> Result<Vec<JobStatus>, MachineError> {
        self.query("ask for the jobs of", "query-jobs", Value::Null)
            .await
    }
}
