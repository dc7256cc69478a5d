//! What became of a machine that does not do what it was asked.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::start::tail;
use super::{LAST_WORDS, Machine};
use crate::error::{MachineError, QmpError};
use crate::serial::Replay;

/// Why a process cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuck {
    /// Stopped by a signal.
    Stopped,
    /// Stopped by a debugger.
    Traced,
    /// Waits in the kernel for a device and cannot be interrupted.
    Device,
    /// Dead, and its resources are being freed.
    Dying,
}

impl Stuck {
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may contain anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        match rest.chars().next()? {
            'T' => Some(Self::Stopped),
            't' => Some(Self::Traced),
            'D' => Some(Self::Device),
            'Z' | 'X' => Some(Self::Dying),
            _ => None,
        }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped (T); send it SIGCONT to let it go on",
            Self::Traced => "stopped by a debugger (t)",
            Self::Device => "waiting for a device of the host (D); look into the host's kernel log",
            Self::Dying => "dead, and still being cleared away (Z)",
        })
    }
}

impl Machine {
    /// Why its process cannot answer anything now, if somebody has stopped it.
    #[must_use]
    pub fn stuck(&self) -> Option<Stuck> {
        Stuck::of(self.pid()).filter(|stuck| matches!(stuck, Stuck::Stopped | Stuck::Traced))
    }

    /// Tells the whole story of a failure of the monitor: how QEMU ended and what it said last, if it has ended; that
    /// its process is stopped, if it is.
    ///
    /// `action` completes "cannot ... machine": `resume`, `eject cd1 of`.
    pub async fn explain(
        &self,
        action: impl Into<Cow<'static, str>>,
        source: QmpError,
    ) -> MachineError {
        let machine = self.spec.name.clone();
        let action = action.into();
        match source {
            QmpError::Closed => match self.wait_exit(LAST_WORDS).await {
                Some(exit) => MachineError::Ended {
                    machine,
                    action,
                    status: exit.status,
                    output: tail(&self.paths.log(&self.spec.name)),
                    console: self.console_tail(),
                },
                None => MachineError::Qmp {
                    machine,
                    action,
                    source: QmpError::Closed,
                },
            },
            QmpError::Timeout { .. } => match Stuck::of(self.pid()) {
                Some(state) => MachineError::Stuck {
                    machine,
                    action,
                    pid: self.pid(),
                    state,
                    source: Box::new(source),
                },
                None => MachineError::Qmp {
                    machine,
                    action,
                    source,
                },
            },
            source => MachineError::Qmp {
                machine,
                action,
                source,
            },
        }
    }

    /// The last lines of the first console of the specification.
    fn console_tail(&self) -> String {
        let first = self.spec.serials.first();
        let console = first.and_then(|serial| self.serials.get(&serial.name));
        console.map_or_else(String::new, |serial| {
            serial.subscribe(Replay::Recent).tail()
        })
    }

    /// Runs a command of the monitor for this machine, and explains its failure.
    pub(crate) async fn command(
        &self,
        action: impl Into<Cow<'static, str>>,
        command: &str,
        arguments: Value,
    ) -> Result<Value, MachineError> {
        match self.qmp.execute(command, arguments).await {
            Ok(answer) => Ok(answer),
            Err(source) => Err(self.explain(action, source).await),
        }
    }

    /// The same for a query, whose answer has a type.
    pub(crate) async fn query<T: serde::de::DeserializeOwned>(
        &self,
        action: &'static str,
        command: &str,
        arguments: Value,
    ) -> Result<T, MachineError> {
        let answer = self.command(action, command, arguments).await?;
        match crate::qmp::parse(command, answer) {
            Ok(value) => Ok(value),
            Err(source) => Err(self.explain(action, source).await),
        }
    }

    /// Checks that QEMU runs and its monitor answers within `limit`.
    ///
    /// # Errors
    /// [`MachineError::Ended`] with QEMU's last words, [`MachineError::Stuck`] if the process is stopped,
    /// [`MachineError::Qmp`] with a timeout if it runs and does not answer.
    pub async fn verify_alive(&self, limit: Duration) -> Result<(), MachineError> {
        let answer = self
            .qmp
            .execute_within("query-status", Value::Null, limit)
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(source) => Err(self.explain("find life in", source).await),
        }
    }
}
