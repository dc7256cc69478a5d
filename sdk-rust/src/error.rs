//! Why a call to the outside world failed.

use std::fmt;

use crate::CommandOutput;
use crate::bindings::vthost::core::types;
use crate::bindings::vthost::guest::session;
use crate::bindings::vthost::vm::qmp;

/// Why a call to the outside world failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The policy of the host does not allow it.
    AccessDenied(String),
    /// It did not happen in the time given.
    TimedOut(String),
    /// The machine, session or job is gone.
    Gone(String),
    /// There is nothing of that name.
    NotFound(String),
    /// The argument makes no sense here.
    Invalid(String),
    /// This machine, session or host cannot do that.
    Unsupported(String),
    /// A limit of the sandbox is reached.
    Limit(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, text) = match self {
            Self::AccessDenied(text) => ("access denied", text),
            Self::TimedOut(text) => ("timed out", text),
            Self::Gone(text) => ("gone", text),
            Self::NotFound(text) => ("not found", text),
            Self::Invalid(text) => ("invalid", text),
            Self::Unsupported(text) => ("unsupported", text),
            Self::Limit(text) => ("limit reached", text),
            Self::Other(text) => ("failed", text),
        };
        if text.is_empty() {
            f.write_str(word)
        } else {
            f.write_str(text)
        }
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        use types::Error as Raw;
        match error {
            Raw::AccessDenied(text) => Self::AccessDenied(text.unwrap_or_default()),
            Raw::TimedOut(text) => Self::TimedOut(text.unwrap_or_default()),
            Raw::Gone(text) => Self::Gone(text.unwrap_or_default()),
            Raw::NotFound(text) => Self::NotFound(text.unwrap_or_default()),
            Raw::Invalid(text) => Self::Invalid(text.unwrap_or_default()),
            Raw::Unsupported(text) => Self::Unsupported(text.unwrap_or_default()),
            Raw::Limit(text) => Self::Limit(text.unwrap_or_default()),
            Raw::Other(text) => Self::Other(text.unwrap_or_default()),
        }
    }
}

/// Why [`Session::cmd`](crate::Session::cmd) failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The command ran and its exit status is not 0.
    Failed {
        /// The command.
        command: String,
        /// What it did.
        output: CommandOutput,
    },
    /// The command could not be run to its end.
    Session {
        /// The command.
        command: String,
        /// Why.
        error: Error,
    },
}

impl CommandError {
    pub(crate) fn new(command: &str, error: session::CommandError) -> Self {
        let command = command.to_owned();
        match error {
            session::CommandError::Failed(output) => Self::Failed {
                command,
                output: output.into(),
            },
            session::CommandError::Session(error) => Self::Session {
                command,
                error: error.into(),
            },
            session::CommandError::Other(text) => Self::Session {
                command,
                error: Error::Other(text.unwrap_or_default()),
            },
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { command, output } => {
                write!(f, "command `{command}` ended with status {}", output.status)?;
                match output.output.trim_end() {
                    "" => Ok(()),
                    text => write!(f, ": {text}"),
                }
            }
            Self::Session { command, .. } => write!(f, "command `{command}` could not be run"),
        }
    }
}

impl std::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { .. } => None,
            Self::Session { error, .. } => Some(error),
        }
    }
}

/// Why a monitor command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QmpError {
    /// QEMU refused the command.
    Refused {
        /// The class of the error: `GenericError`, `CommandNotFound`.
        class: String,
        /// Its description.
        desc: String,
    },
    /// The command did not reach QEMU, or its answer did not come.
    Monitor(Error),
}

impl fmt::Display for QmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { class, desc } => write!(f, "the monitor refused: {class}: {desc}"),
            Self::Monitor(_) => f.write_str("the monitor command failed"),
        }
    }
}

impl std::error::Error for QmpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { .. } => None,
            Self::Monitor(error) => Some(error),
        }
    }
}

impl From<qmp::QmpError> for QmpError {
    fn from(error: qmp::QmpError) -> Self {
        match error {
            qmp::QmpError::Refused(refusal) => Self::Refused {
                class: refusal.class,
                desc: refusal.desc,
            },
            qmp::QmpError::Monitor(error) => Self::Monitor(error.into()),
            qmp::QmpError::Other(text) => Self::Monitor(Error::Other(text.unwrap_or_default())),
        }
    }
}
