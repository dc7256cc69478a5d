//! The result of a test.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a test ended, in the words of the guide (section "Write our own 'uptime' test", step 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The test ran to its end and reported nothing wrong.
    Pass,
    /// The test could not decide: something other than what it tests went wrong, or it broke a limit.
    Error,
    /// What the test tests does not work.
    Fail,
    /// The test was not run.
    Skip,
    /// The test passed, with something that a person should look at.
    Warn,
    /// The operator ended the job while the test ran.
    Interrupted,
    /// The test ended itself because its conditions do not hold here.
    Cancel,
}

impl Status {
    /// All statuses, in the order in which a summary counts them.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Error,
        Self::Fail,
        Self::Skip,
        Self::Warn,
        Self::Interrupted,
        Self::Cancel,
    ];

    /// The status as it is printed and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Error => "ERROR",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Warn => "WARN",
            Self::Interrupted => "INTERRUPTED",
            Self::Cancel => "CANCEL",
        }
    }

    /// Whether a job with this status in it is still a good job.
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Pass | Self::Skip | Self::Warn | Self::Cancel)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is not a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStatus(pub String);

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown test status `{}`", self.0)
    }
}

impl std::error::Error for UnknownStatus {}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == s)
            .ok_or_else(|| UnknownStatus(s.to_owned()))
    }
}

/// How many tests of a job ended with each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tests that ended PASS.
    pub pass: usize,
    /// Tests that ended ERROR.
    pub error: usize,
    /// Tests that ended FAIL.
    pub fail: usize,
    /// Tests that ended SKIP.
    pub skip: usize,
    /// Tests that ended WARN.
    pub warn: usize,
    /// Tests that ended INTERRUPTED.
    pub interrupt: usize,
    /// Tests that ended CANCEL.
    pub cancel: usize,
}

impl Counts {
    /// Counts one more test.
    pub fn add(&mut self, status: Status) {
        *self.slot(status) += 1;
    }

    fn slot(&mut self, status: Status) -> &mut usize {
        match status {
            Status::Pass => &mut self.pass,
            Status::Error => &mut self.error,
            Status::Fail => &mut self.fail,
            Status::Skip => &mut self.skip,
            Status::Warn => &mut self.warn,
            Status::Interrupted => &mut self.interrupt,
            Status::Cancel => &mut self.cancel,
        }
    }

    /// How many tests ended with `status`.
    pub fn get(mut self, status: Status) -> usize {
        *self.slot(status)
    }

    /// All tests counted.
    pub fn total(self) -> usize {
        Status::ALL.into_iter().map(|s| self.get(s)).sum()
    }
}

impl fmt::Display for Counts {
    /// The line of the guide: `PASS 1 | ERROR 0 | FAIL 0 | SKIP 0 | WARN 0 | INTERRUPT 0 | CANCEL 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PASS {} | ERROR {} | FAIL {} | SKIP {} | WARN {} | INTERRUPT {} | CANCEL {}",
            self.pass, self.error, self.fail, self.skip, self.warn, self.interrupt, self.cancel
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_text() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(
                serde_json::to_string(&status).unwrap(),
                format!("\"{status}\"")
            );
        }
        assert!("PASSED".parse::<Status>().is_err());
    }

    #[test]
    fn counts_add_up() {
        let mut counts = Counts::default();
        for status in Status::ALL {
            counts.add(status);
            counts.add(status);
        }
        assert_eq!(counts.total(), 14);
        assert!(Status::ALL.into_iter().all(|s| counts.get(s) == 2));
    }
}
