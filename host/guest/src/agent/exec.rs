//! Programs started by the agent.

use std::time::Duration;

use qapi::qga::{GuestExecCaptureOutput, GuestExecStatus, guest_exec, guest_exec_status};
use tokio::time::{Instant, sleep};

use super::{Agent, AgentError, AgentResult};

/// The pause between two looks at a program: short at first, for programs that end at once.
const PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_millis(500);

/// A program to be started. No shell is involved: `path` is looked up in the agent's `PATH`.
#[derive(Clone, Debug, Default)]
pub struct ExecRequest {
    /// The program.
    pub path: String,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its whole environment as `NAME=value`, if it is not to be the agent's.
    pub env: Option<Vec<String>>,
    /// Its standard input.
    pub input: Option<Vec<u8>>,
}

impl ExecRequest {
    /// A program with arguments.
    #[must_use]
    pub fn new(path: &str, args: &[&str]) -> Self {
        Self {
            path: path.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// What became of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// Its exit status, if it was not ended by a signal. On Windows also the code of an exception.
    pub status: Option<i64>,
    /// The signal that ended it.
    pub signal: Option<i64>,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Whether the agent has thrown output away: it keeps 16 MiB of each stream.
    pub truncated: bool,
}

impl Agent {
    /// Runs a program to its end, `timeout` at most.
    ///
    /// # Errors
    /// [`AgentError::StillRunning`]; [`AgentError::Refused`] if it cannot be started; see also [`AgentError`].
    pub async fn exec(&self, request: &ExecRequest, timeout: Duration) -> AgentResult<ExecOutput> {
        let deadline = Instant::now() + timeout;
        let pid = self.exec_start(request).await?;
        let mut pause = *PAUSES.start();
        loop {
            if let Some(output) = self.exec_status(pid).await? {
                return Ok(output);
            }
            // The agent has no way to tell of the end by itself.
            if Instant::now() + pause > deadline {
                return Err(AgentError::StillRunning {
                    path: request.path.clone(),
                    pid,
                    timeout,
                });
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(*PAUSES.end());
        }
    }

    /// Starts a program and returns its process id. Its output is kept by the agent until [`Agent::exec_status`] takes it.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn exec_start(&self, request: &ExecRequest) -> AgentResult<i64> {
        let started = self.execute(guest_exec {
            path: request.path.clone(),
            arg: Some(request.args.clone()),
            env: request.env.clone(),
            input_data: request.input.clone(),
            capture_output: Some(GuestExecCaptureOutput::flag(true)),
        });
        Ok(started.await?.pid)
    }

    /// What became of a program; `None` while it runs. The end of a program is told once.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn exec_status(&self, pid: i64) -> AgentResult<Option<ExecOutput>> {
        let status = self.execute(guest_exec_status { pid }).await?;
        Ok(status.exited.then(|| status.into()))
    }
}

impl From<GuestExecStatus> for ExecOutput {
    fn from(status: GuestExecStatus) -> Self {
        Self {
            status: status.exitcode,
            signal: status.signal,
            stdout: status.out_data.unwrap_or_default(),
            stderr: status.err_data.unwrap_or_default(),
            truncated: status.out_truncated == Some(true) || status.err_truncated == Some(true),
        }
    }
}
