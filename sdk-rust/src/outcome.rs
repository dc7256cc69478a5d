//! How a test ends that does not pass.

use std::fmt;

use crate::bindings::vthost::core::types;

/// What a test returns. `Ok` is PASS.
pub type Result<T = (), E = Outcome> = std::result::Result<T, E>;

/// Why a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In one line.
    pub message: String,
    /// Whatever helps to understand it.
    pub detail: Option<String>,
}

/// How a test ended that did not pass. Every [`std::error::Error`] becomes an ERROR by `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What the test tests does not work.
    Fail(Report),
    /// The test could not decide.
    Error(Report),
    /// The conditions of the test do not hold here.
    Cancel(Report),
    /// The test does not want to be run.
    Skip(Report),
    /// It passed, and a person should look at something.
    Warn(Report),
}

impl Outcome {
    /// A FAIL with this reason.
    pub fn fail(message: impl Into<String>) -> Self {
        Self::Fail(Report::new(message))
    }

    /// An ERROR with this reason.
    pub fn error(message: impl Into<String>) -> Self {
        Self::Error(Report::new(message))
    }

    /// A CANCEL with this reason.
    pub fn cancel(message: impl Into<String>) -> Self {
        Self::Cancel(Report::new(message))
    }

    /// A SKIP with this reason.
    pub fn skip(message: impl Into<String>) -> Self {
        Self::Skip(Report::new(message))
    }

    /// A WARN with this reason.
    pub fn warn(message: impl Into<String>) -> Self {
        Self::Warn(Report::new(message))
    }

    /// Adds whatever helps to understand the reason.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.report_mut().detail = Some(detail.into());
        self
    }

    fn report_mut(&mut self) -> &mut Report {
        match self {
            Self::Fail(report)
            | Self::Error(report)
            | Self::Cancel(report)
            | Self::Skip(report)
            | Self::Warn(report) => report,
        }
    }
}

impl Report {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            detail: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The chain of causes becomes the message, joined by `: `.
impl<E: std::error::Error> From<E> for Outcome {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        Self::error(message)
    }
}

impl From<Outcome> for types::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fail(report) => Self::Fail(report.into()),
            Outcome::Error(report) => Self::Error(report.into()),
            Outcome::Cancel(report) => Self::Cancel(report.into()),
            Outcome::Skip(report) => Self::Skip(report.into()),
            Outcome::Warn(report) => Self::Warn(report.into()),
        }
    }
}

impl From<Report> for types::Report {
    fn from(report: Report) -> Self {
        Self {
            message: report.message,
            detail: report.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_error_with_its_text() {
        let outcome = Outcome::from("x".parse::<u32>().unwrap_err());
        assert_eq!(outcome, Outcome::error("invalid digit found in string"));
    }
}
