//! The message of a denial.

use std::fmt;

/// Which rule decided. The label is stable: for metrics and scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The interface is on no list.
    UnknownInterface,
    /// The interface needs a grant that is not there.
    UngrantedInterface,
    /// The key needs a grant that is not there.
    UngrantedKey,
    /// The test says that it cannot do without a grant that is not there.
    UngrantedNeed,
    /// The monitor command is not on the allow-list.
    UnlistedCommand,
}

impl Rule {
    /// The stable label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownInterface => "unknown-interface",
            Self::UngrantedInterface => "ungranted-interface",
            Self::UngrantedKey => "ungranted-key",
            Self::UngrantedNeed => "ungranted-need",
            Self::UnlistedCommand => "unlisted-command",
        }
    }
}

/// Something that was tried and is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The rule that decided.
    pub rule: Rule,
    /// What was tried: `the import of vthost:host/raw-qmp@0.1.0`.
    pub tried: String,
    /// Who tried: the pack, or `file:line` of the configuration.
    pub by: String,
    /// The grant that would allow it; none if nothing would.
    pub grant: Option<&'static str>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "denied: {} by {} (rule {})",
            self.tried,
            self.by,
            self.rule.as_str()
        )?;
        match self.grant {
            Some(grant) => write!(f, "; to allow it: --grant {grant}"),
            None => f.write_str("; no grant of this version of vthost allows it"),
        }
    }
}

impl std::error::Error for Denial {}
