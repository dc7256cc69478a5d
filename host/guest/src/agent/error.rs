//! What can go wrong with the guest agent.

use std::time::Duration;

/// A failure of the guest agent or of the way to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Nothing answers. An agent that is not installed or not started looks the same: the port is QEMU's, not the agent's.
    #[error(
        "the guest agent does not answer {command} within {timeout:?}; is qemu-ga running in the guest?"
    )]
    NoAnswer {
        /// The command.
        command: String,
        /// The time that was given.
        timeout: Duration,
    },
    /// The connection to the agent has ended: the machine has, or its port was unplugged.
    #[error("the connection to the guest agent ended before {command} was answered")]
    Gone {
        /// The command.
        command: String,
    },
    /// The agent has no such command.
    #[error("the guest agent does not know {command}; a newer qemu-ga may")]
    Unknown {
        /// The command.
        command: String,
    },
    /// The agent has the command but may not carry it out: by its configuration, or while file systems are frozen.
    #[error("the guest agent has {command} disabled ({reason})")]
    Disabled {
        /// The command.
        command: String,
        /// What the agent says, fit for a terminal.
        reason: String,
    },
    /// The agent tried, or says why it did not.
    #[error("the guest agent refuses {command}: {desc} ({class})")]
    Refused {
        /// The command.
        command: String,
        /// The class of the error, e.g. `GenericError`.
        class: String,
        /// What the agent says, fit for a terminal.
        desc: String,
    },
    /// The agent answers what it should not.
    #[error("the guest agent answers {command} with nonsense: {reason}")]
    Malformed {
        /// The command.
        command: String,
        /// What is wrong, fit for a terminal.
        reason: String,
    },
    /// An answer or a file is larger than the caller allows.
    #[error("the guest agent answers {command} with more than {limit} bytes")]
    TooLarge {
        /// The command.
        command: String,
        /// The bound.
        limit: usize,
    },
    /// A program started by the agent did not end in time. It still runs.
    #[error("{path:?} (process {pid} in the guest) not finished within {timeout:?}")]
    StillRunning {
        /// The program.
        path: String,
        /// Its process id in the guest.
        pid: i64,
        /// The time that was given.
        timeout: Duration,
    },
    /// Writing to the agent failed.
    #[error("cannot write {command} to the guest agent")]
    Write {
        /// The command.
        command: String,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// The result of everything that the agent does.
pub type AgentResult<T> = Result<T, AgentError>;
