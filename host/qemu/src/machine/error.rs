//! How an operation on a running machine fails.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use super::MachineState;
use super::crash::KernelCrash;
use super::trouble::Stuck;
use crate::block::JobProblem;
use crate::error::{QmpError, SpecError, indented};
use crate::migration::MigrationProblem;

/// An operation on a running machine that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MachineError {
    /// The monitor refused or did not answer.
    #[error("cannot {action} machine {machine:?}")]
    Qmp {
        /// The machine.
        machine: String,
        /// What was being done.
        action: Cow<'static, str>,
        /// Why it failed.
        source: QmpError,
    },
    /// QEMU has ended, before or in the middle of the operation.
    #[error(
        "cannot {action} machine {machine:?}: QEMU has ended ({status}); it said:\n{}\nthe console showed:\n{}",
        indented(output),
        indented(console)
    )]
    Ended {
        /// The machine.
        machine: String,
        /// What was being done.
        action: Cow<'static, str>,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output, control characters escaped.
        output: String,
        /// The last lines of the first serial console, control characters escaped.
        console: String,
    },
    /// The process exists and does not run, so that it cannot answer.
    #[error("cannot {action} machine {machine:?}: its QEMU, process {pid}, is {state}")]
    Stuck {
        /// The machine.
        machine: String,
        /// What was being done.
        action: Cow<'static, str>,
        /// Process id of QEMU.
        pid: u32,
        /// What the process does instead.
        state: Stuck,
        /// What was not answered.
        source: Box<QmpError>,
    },
    /// The process did not end in time; it still runs.
    #[error("machine {machine:?} still runs {} s after {after}", within.as_secs_f32())]
    StillRunning {
        /// The machine.
        machine: String,
        /// What should have ended it.
        after: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// The machine did not get into the awaited state in time.
    #[error("machine {machine:?} is {found:?} and not {wanted} after {} s", within.as_secs_f32())]
    State {
        /// The machine.
        machine: String,
        /// What was awaited.
        wanted: String,
        /// What it is.
        found: MachineState,
        /// How long it was waited for.
        within: Duration,
    },
    /// The kernel of the guest has crashed.
    #[error("the kernel of the guest in machine {machine:?} has crashed: {crash}")]
    KernelCrash {
        /// The machine.
        machine: String,
        /// What was found, and where.
        crash: Box<KernelCrash>,
    },
    /// The machine has no such part.
    #[error(
        "machine {machine:?} has no {what} {name:?}; it has: {}",
        listed(known)
    )]
    NoSuch {
        /// The machine.
        machine: String,
        /// What kind of part.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// An argument that cannot be right.
    #[error("{what} is {value:?}, but {rule}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        rule: Cow<'static, str>,
    },
    /// A job of QEMU failed, or did not do what was awaited.
    #[error("{problem}, on machine {machine:?}")]
    Job {
        /// The machine.
        machine: String,
        /// Which job, and what is wrong with it.
        problem: Box<JobProblem>,
    },
    /// A migration failed, or did not get where it should in time.
    #[error("machine {machine:?} did not migrate: {problem}")]
    Migration {
        /// The machine that migrates.
        machine: String,
        /// What is wrong.
        problem: Box<MigrationProblem>,
    },
    /// There is no place for a device.
    #[error("machine {machine:?} has no place for {device:?}")]
    Unpluggable {
        /// The machine.
        machine: String,
        /// The device.
        device: String,
        /// Why.
        source: Box<SpecError>,
    },
    /// A device that cannot be taken out of this machine; nothing was tried.
    #[error("device {device:?} cannot be unplugged from machine {machine:?}: {reason}")]
    Fixed {
        /// The machine.
        machine: String,
        /// The device.
        device: String,
        /// Why not.
        reason: &'static str,
    },
    /// An unplugged device is still there.
    #[error("device {device:?} is still in machine {machine:?}: {reason}")]
    NotUnplugged {
        /// The machine.
        machine: String,
        /// The device.
        device: String,
        /// Why, as far as it is known.
        reason: String,
    },
    /// QEMU accepted a device, and does not show it.
    #[error("QEMU accepted {device:?} for machine {machine:?}, but does not show it: {detail}")]
    NotPlugged {
        /// The machine.
        machine: String,
        /// The device.
        device: String,
        /// Where it was looked for.
        detail: String,
    },
    /// A file could not be written or opened.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A socket of the machine could not be used.
    #[error("cannot open the {channel} channel of machine {machine:?}")]
    Channel {
        /// The machine.
        machine: String,
        /// Which channel.
        channel: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl MachineError {
    /// Whether QEMU has ended: nothing that is asked of this machine can succeed any more.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(
            self,
            Self::Ended { .. }
                | Self::Qmp {
                    source: QmpError::Closed,
                    ..
                }
        )
    }

    /// The monitor's own words, if it refused.
    #[must_use]
    pub fn qmp(&self) -> Option<&QmpError> {
        match self {
            Self::Qmp { source, .. } => Some(source),
            Self::Stuck { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
