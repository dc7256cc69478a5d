//! How a test ended.

use vthost_metadata::Status;

/// A reason is at most this long, in bytes.
const MAX_REASON: usize = 1000;
/// A detail is at most this long, in bytes.
const MAX_DETAIL: usize = 64 << 10;

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestEnd {
    /// The status.
    pub status: Status,
    /// Why, in one line of at most 1,000 bytes; none for PASS.
    pub reason: Option<String>,
    /// Whatever helps to understand the reason, at most 64 KiB.
    pub detail: Option<String>,
}

impl TestEnd {
    /// PASS.
    pub const PASS: Self = Self {
        status: Status::Pass,
        reason: None,
        detail: None,
    };

    /// An end for a reason. Of a text of several lines, the first two make the reason, because the first one often only
    /// announces (`it said:`); the whole text is the detail.
    pub fn new(status: Status, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let reason = match (lines.next(), lines.next()) {
            (Some(first), Some(second)) => format!("{first} {second}"),
            (first, _) => first.unwrap_or("no reason was given").to_owned(),
        };
        let one_line = text.trim() == reason && reason.len() <= MAX_REASON;
        Self {
            status,
            reason: Some(cut(&reason, MAX_REASON)),
            detail: (!one_line && !text.trim().is_empty()).then(|| cut(text, MAX_DETAIL)),
        }
    }

    /// An ERROR for a reason, as [`TestEnd::new`].
    pub fn error(text: impl AsRef<str>) -> Self {
        Self::new(Status::Error, text)
    }

    /// Adds to the detail.
    #[must_use]
    pub fn with_detail(mut self, more: Option<String>) -> Self {
        if let Some(more) = more {
            let detail = match self.detail {
                Some(detail) => format!("{detail}\n{more}"),
                None => more,
            };
            self.detail = Some(cut(&detail, MAX_DETAIL));
        }
        self
    }
}

/// The text, cut at the end of the last character that fits, and marked if it was.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{} [...]", &text[..text.floor_char_boundary(limit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        let end = TestEnd::error("QEMU ended; it said:\n  bad option\n  more\n");
        assert_eq!(
            end.reason.as_deref(),
            Some("QEMU ended; it said: bad option")
        );
        assert!(end.detail.unwrap().contains("more"));
        assert_eq!(TestEnd::error("plain").detail, None);
        let flood = TestEnd::error("\u{e4}".repeat(1 << 20)).with_detail(Some("x".repeat(1 << 20)));
        assert!(flood.reason.unwrap().len() < 1100);
        assert!(flood.detail.unwrap().len() < 70_000);
        assert_eq!(
            TestEnd::error(" \n").reason.as_deref(),
            Some("no reason was given")
        );
    }
}
