//! Values of the domain crates as the interfaces show them.

use std::time::Duration;

use serde_json::{Map, Value};
use vthost_env::{Error as DomainError, ErrorKind};
use vthost_metadata::{LogLevel, Status};

use super::bindings::vthost::core::log::Level;
use super::bindings::vthost::core::types;
use crate::local::Refused;
use crate::{TestEnd, TestSpec};

/// A text that crosses the border to a pack is at most this long, in bytes.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// Bytes cross it in chunks of at most this many.
pub(super) const MAX_CHUNK: usize = 64 << 10;

/// Arguments of a command are at most this long, in bytes.
const MAX_ARGUMENTS: usize = 64 << 10;

/// The error for bytes that are too many at once.
pub(super) fn too_long(bytes: usize) -> types::Error {
    types::Error::Limit(Some(format!("{bytes} bytes are too many at once")))
}

/// JSON for a pack. Too much of it is an error: cut, it would be JSON no more.
pub(super) fn json(value: &Value) -> Result<String, types::Error> {
    let text = value.to_string();
    if text.len() > MAX_TEXT {
        let told = format!(
            "the answer has {} bytes, a pack gets {MAX_TEXT} at most",
            text.len()
        );
        return Err(types::Error::Limit(Some(told)));
    }
    Ok(text)
}

/// The arguments of a command, which are an object as JSON text.
pub(super) fn arguments(
    command: &str,
    text: Option<String>,
) -> Result<Map<String, Value>, types::Error> {
    let Some(text) = text else {
        return Ok(Map::new());
    };
    // As JSON values they need many times their size.
    if text.len() > MAX_ARGUMENTS {
        let told = format!("the arguments of `{command}` are longer than {MAX_ARGUMENTS} bytes");
        return Err(types::Error::Limit(Some(told)));
    }
    let invalid = |told| Err(types::Error::Invalid(Some(told)));
    match serde_json::from_str(&text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => invalid(format!("the arguments of `{command}` are no JSON object")),
        Err(wrong) => invalid(format!("the arguments of `{command}` are no JSON: {wrong}")),
    }
}

impl From<Refused> for types::Error {
    fn from(refused: Refused) -> Self {
        Self::Invalid(Some(refused.to_string()))
    }
}

/// A domain error as the pack sees it: its kind, and its whole chain of causes as text.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` is given"
)]
pub(super) fn error(error: DomainError) -> types::Error {
    let text = Some(error.chain());
    match error.kind() {
        ErrorKind::AccessDenied => types::Error::AccessDenied(text),
        ErrorKind::TimedOut => types::Error::TimedOut(text),
        ErrorKind::Gone => types::Error::Gone(text),
        ErrorKind::NotFound => types::Error::NotFound(text),
        ErrorKind::Invalid => types::Error::Invalid(text),
        ErrorKind::Unsupported => types::Error::Unsupported(text),
        ErrorKind::Other => types::Error::Other(text),
    }
}

/// No wait of a pack is longer: a year. The deadline of its test ends it anyway.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A span of time that a pack gave.
pub(super) fn span(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds).min(LONGEST)
}

/// The end of an output, for one that is longer than a pack gets.
pub(super) fn tail(text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let kept = &text[text.ceil_char_boundary(text.len() - MAX_TEXT)..];
    format!("[the beginning is cut: this is longer than a pack gets]\n{kept}")
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

impl From<types::Test> for TestSpec {
    fn from(test: types::Test) -> Self {
        let need = |need| match need {
            types::Need::Grant(name) => name,
            types::Need::Other(text) => format!("other:{}", text.unwrap_or_default()),
        };
        Self {
            name: test.name,
            summary: test.summary,
            tags: test.tags,
            needs: test.needs.into_iter().map(need).collect(),
        }
    }
}

impl From<types::Outcome> for TestEnd {
    fn from(outcome: types::Outcome) -> Self {
        use types::Outcome;
        let (status, report) = match outcome {
            Outcome::Fail(report) => (Status::Fail, Some(report)),
            Outcome::Error(report) => (Status::Error, Some(report)),
            Outcome::Cancel(report) => (Status::Cancel, Some(report)),
            Outcome::Skip(report) => (Status::Skip, Some(report)),
            Outcome::Warn(report) => (Status::Warn, Some(report)),
            Outcome::Other(report) => (Status::Error, report),
        };
        match report {
            Some(report) => Self::new(status, report.message).with_detail(report.detail),
            None => Self::new(status, ""),
        }
    }
}
