//! Intervals of versions: `[7.1.0, 9.0)`.

use std::fmt;
use std::str::FromStr;

use crate::binary::Version;
use crate::error::SpecError;

/// Versions from one to another (parameter `required_qemu`). A square bracket includes its end, a round one does not; an
/// end that is left out is open: `[7.1.0, 9.0)`, `(,8.0]`, `[6,)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionInterval {
    lower: Option<End>,
    upper: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    version: Version,
    included: bool,
}

impl VersionInterval {
    /// Whether the version is in it.
    #[must_use]
    pub fn contains(&self, version: Version) -> bool {
        let above = self
            .lower
            .is_none_or(|end| version > end.version || (end.included && version == end.version));
        let below = self
            .upper
            .is_none_or(|end| version < end.version || (end.included && version == end.version));
        above && below
    }
}

impl fmt::Display for VersionInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lower {
            Some(end) if end.included => write!(f, "[{}", end.version)?,
            Some(end) => write!(f, "({}", end.version)?,
            None => f.write_str("(")?,
        }
        f.write_str(",")?;
        match self.upper {
            Some(end) if end.included => write!(f, " {}]", end.version),
            Some(end) => write!(f, " {})", end.version),
            None => f.write_str(")"),
        }
    }
}

impl FromStr for VersionInterval {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::Value {
            field: "interval of versions".to_owned(),
            value: text.to_owned(),
            rule: "it has to look like [7.1.0, 9.0), (,8.0] or [6,), the lower end first"
                .to_owned(),
        };
        let trimmed = text.trim();
        let lower_included = trimmed.starts_with('[');
        let upper_included = trimmed.ends_with(']');
        let (lower, upper) = trimmed
            .strip_prefix(['[', '('])
            .and_then(|rest| rest.strip_suffix([']', ')']))
            .and_then(|rest| rest.split_once(','))
            .ok_or_else(wrong)?;
        let end = |text: &str, included| match text.trim() {
            "" => Ok(None),
            text => {
                let version = version(text).ok_or_else(wrong)?;
                Ok(Some(End { version, included }))
            }
        };
        let interval = Self {
            lower: end(lower, lower_included)?,
            upper: end(upper, upper_included)?,
        };
        match (interval.lower, interval.upper) {
            (Some(lower), Some(upper)) if lower.version > upper.version => Err(wrong()),
            _ => Ok(interval),
        }
    }
}

/// `7`, `7.1` or `7.1.0`; what is left out is 0.
fn version(text: &str) -> Option<Version> {
    let parts: Vec<u32> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let part = |index: usize| parts.get(index).copied().unwrap_or(0);
    (parts.len() <= 3).then(|| Version {
        major: part(0),
        minor: part(1),
        micro: part(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(interval: &str, text: &str) -> bool {
        let interval: VersionInterval = interval.parse().expect("an interval");
        interval.contains(version(text).expect("a version"))
    }

    #[test]
    fn ends_are_in_or_out() {
        assert!(contains("[7.1.0, 9.0)", "7.1"));
        assert!(contains("[7.1.0, 9.0)", "8.2.2"));
        assert!(!contains("[7.1.0, 9.0)", "9.0"));
        assert!(!contains("(7.1.0, 9.0)", "7.1.0"));
        assert!(contains("(,8.0]", "8.0"));
        assert!(!contains("(,8.0]", "8.0.1"));
        assert!(contains("[6,)", "10.0.2"));
        assert!(contains("(,)", "0.1"));
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for bad in [
            "",
            "7.1",
            "[7.1",
            "7.1]",
            "[7.1]",
            "[a,)",
            "[9,8]",
            "[1.2.3.4,)",
            "[-1,)",
        ] {
            let error = bad.parse::<VersionInterval>().expect_err(bad);
            assert!(error.to_string().contains("it has to look like"), "{error}");
        }
        let shown = |text: &str| text.parse::<VersionInterval>().expect(text).to_string();
        assert_eq!(shown("[7.1, 9)"), "[7.1.0, 9.0.0)");
        assert_eq!(shown("(,8.0]"), "(, 8.0.0]");
    }
}
