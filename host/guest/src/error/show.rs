//! Parts of error messages.

use std::fmt;

use crate::escapes::tail_for_humans;

/// Shows the end of some guest output inside an error message.
pub(super) struct Tail<'a>(pub(super) &'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = tail_for_humans(self.0, 10, 1000);
        if text.is_empty() {
            f.write_str("no output")
        } else {
            write!(f, "last output: {text}")
        }
    }
}

/// Shows an exit status, if there is one.
pub(super) struct ExitStatus(pub(super) Option<i32>);

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |status| write!(f, " (status {status})"))
    }
}

/// The whole chain of an error in one line, for places that keep only text.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let part = cause.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = cause.source();
    }
    text
}
