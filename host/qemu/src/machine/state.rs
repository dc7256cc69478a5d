//! What a machine is doing.

use std::fmt;
use std::process::ExitStatus;

use serde_json::Value;

/// The state of a machine: QEMU's run state, or how the process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineState {
    /// Built, but no instruction has run yet.
    Prelaunch,
    /// Running.
    Running,
    /// Stopped by request, by a debugger or by a watchdog.
    Paused,
    /// The guest sleeps (ACPI S3).
    Suspended,
    /// Waiting for, or in the middle of, a migration or snapshot.
    Migrating,
    /// The guest has powered off and QEMU stayed ([`crate::spec::PowerOff::Pause`]).
    Shutdown,
    /// The guest's kernel has panicked.
    GuestPanicked,
    /// Stopped because an image could not be read or written.
    IoError,
    /// Stopped because QEMU or KVM failed.
    InternalError,
    /// A run state that a newer QEMU has brought.
    Other(String),
    /// QEMU has ended.
    Exited(ExitStatus),
}

impl MachineState {
    /// Reads the answer to `query-status`.
    pub(super) fn from_qmp(answer: &Value) -> Self {
        match answer
            .get("status")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "prelaunch" => Self::Prelaunch,
            "running" => Self::Running,
            "paused" | "debug" | "watchdog" => Self::Paused,
            "suspended" => Self::Suspended,
            "inmigrate" | "postmigrate" | "finish-migrate" | "restore-vm" | "save-vm" | "colo" => {
                Self::Migrating
            }
            "shutdown" => Self::Shutdown,
            "guest-panicked" => Self::GuestPanicked,
            "io-error" => Self::IoError,
            "internal-error" => Self::InternalError,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for MachineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prelaunch => "not running yet",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Migrating => "migrating",
            Self::Shutdown => "shut down",
            Self::GuestPanicked => "stopped by a panic of its guest",
            Self::IoError => "stopped by an error of an image",
            Self::InternalError => "stopped by an error of QEMU or KVM",
            Self::Other(state) => state,
            Self::Exited(status) => return write!(f, "ended ({status})"),
        })
    }
}
