//! Why something in the environment failed.

use std::fmt;

/// What kind of failure it is: what a caller can decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The policy does not allow it.
    AccessDenied,
    /// It did not happen in time.
    TimedOut,
    /// The machine, session or job is gone.
    Gone,
    /// There is nothing of that name.
    NotFound,
    /// The argument or parameter makes no sense.
    Invalid,
    /// This machine or session cannot do that.
    Unsupported,
    /// Anything else.
    Other,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure in the environment: its kind, what was tried, and why it failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Cause>,
}

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a cause of its own.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// An error with its cause.
    pub fn caused(kind: ErrorKind, message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: Some(source.into()),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and the messages of all causes, joined by `: `.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl From<vthost_params::ParamError> for Error {
    fn from(error: vthost_params::ParamError) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}

/// The message of an error and the messages of all causes, joined by `: `.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Checks a name that comes from parameters and becomes a part of the names of files.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    let text = format!(
        "`{name}` cannot be the name of a {what}: use letters, digits, `.`, `_` and `-`, 64 at most"
    );
    Err(Error::new(ErrorKind::Invalid, text))
}

/// The kind of a failure in a session.
pub(crate) fn session_kind(error: &vthost_guest::Error) -> ErrorKind {
    use vthost_guest::Error as Guest;
    match error {
        Guest::StepTimeout { .. }
        | Guest::NotReady { .. }
        | Guest::SerialLogin { .. }
        | Guest::ShellNotReady { .. }
        | Guest::CommandTimeout { .. }
        | Guest::NoMatch { .. } => ErrorKind::TimedOut,
        Guest::Gone { .. } => ErrorKind::Gone,
        Guest::InvalidPattern { .. } => ErrorKind::Invalid,
        Guest::Unsupported { .. } => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    }
}

/// The kind of a failure of the monitor.
pub(crate) fn monitor_kind(error: &vthost_qemu::QmpError) -> ErrorKind {
    use vthost_qemu::QmpError;
    match error {
        QmpError::Closed => ErrorKind::Gone,
        QmpError::Timeout { .. } => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}

/// The kind of a failure of a machine.
pub(crate) fn machine_kind(error: &vthost_qemu::MachineError) -> ErrorKind {
    use vthost_qemu::MachineError as Machine;
    use vthost_qemu::block::JobProblem;
    use vthost_qemu::migration::MigrationProblem;
    match error {
        Machine::Ended { .. } => ErrorKind::Gone,
        Machine::StillRunning { .. }
        | Machine::Stuck { .. }
        | Machine::State { .. }
        | Machine::NotUnplugged { .. } => ErrorKind::TimedOut,
        Machine::NoSuch { .. } => ErrorKind::NotFound,
        Machine::Argument { .. } => ErrorKind::Invalid,
        Machine::Fixed { .. } | Machine::Unpluggable { .. } => ErrorKind::Unsupported,
        Machine::Qmp { source, .. } => monitor_kind(source),
        Machine::Job { problem, .. } => match **problem {
            JobProblem::Late { .. } => ErrorKind::TimedOut,
            JobProblem::Gone { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Other,
        },
        Machine::Migration { problem, .. } => match **problem {
            MigrationProblem::Late { .. } => ErrorKind::TimedOut,
            MigrationProblem::Unmovable { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        },
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for good in ["avocado-vt-vm1", "image1", "a.b_c"] {
            assert!(check_name("machine", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "..",
            "../x",
            "a/b",
            "-S",
            "a,b",
            "a b",
            "\u{e9}",
            &"x".repeat(65),
        ] {
            assert!(check_name("machine", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_chain_tells_every_cause() {
        let inner = Error::caused(ErrorKind::Gone, "inner", std::io::Error::other("root"));
        let outer = Error::caused(ErrorKind::Gone, "outer", inner);
        assert_eq!(outer.chain(), "outer: inner: root");
    }
}
