//! How a command of the monitor fails.

use std::time::Duration;

/// A QMP command that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum QmpError {
    /// QEMU answered with an error.
    #[error("{command}: {desc} ({class})")]
    Command {
        /// The command.
        command: String,
        /// The QMP error class, such as `GenericError`, `CommandNotFound` or `DeviceNotFound`.
        class: String,
        /// QEMU's own words.
        desc: String,
    },
    /// The monitor is closed: QEMU has ended, or is about to.
    #[error("the monitor is closed: QEMU has ended")]
    Closed,
    /// No answer, or no event, in time.
    #[error("no {what} within {} s", within.as_secs_f32())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
    },
    /// What arrived is not QMP, or is not the answer that the command promises.
    #[error("unexpected answer from the monitor: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
}

impl QmpError {
    /// The QMP error class if QEMU itself refused the command.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Command { class, .. } => Some(class),
            _ => None,
        }
    }
}
