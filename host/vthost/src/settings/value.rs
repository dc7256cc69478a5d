//! Values and where they were set.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde_json::json;
use toml::Spanned;
use toml::de::DeValue;
use vthost_cartesian::{did_you_mean, nearest};
use vthost_policy::GRANTS;

use super::keys::{Kind, grant_exists};

/// The value of a setting, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(u32),
    Flag(bool),
    List(Vec<String>),
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    BuiltIn,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Flag(name) => write!(f, "flag: {name}"),
        }
    }
}

impl Display for Value {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// A basic string of TOML. There are no control characters in values.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Value {
    /// For a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(flag),
            Self::List(items) => json!(items),
        }
    }

    /// For a script: a text without quotes, everything else as TOML.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }
    }
}

/// Why a value is none of its kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What it is instead of what it has to be.
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) span: Range<usize>,
}

/// Checks a value of a file.
///
/// `base` is what relative paths are relative to.
pub(super) fn check(kind: Kind, found: &Spanned<DeValue<'_>>, base: &Path) -> Result<Value, Wrong> {
    let span = found.span();
    let wrong = |message: String| Wrong {
        message,
        help: None,
        span: span.clone(),
    };
    let expected = || {
        let found = found.get_ref();
        wrong(format!(
            "has to be {}, not {}",
            kind.describe(),
            describe(found)
        ))
    };
    match kind {
        Kind::Number => {
            let number = match found.get_ref() {
                DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()),
                _ => return Err(expected()),
            };
            let number = number.ok().and_then(|number| u32::try_from(number).ok());
            let number = number.filter(|&number| number > 0);
            number
                .map(Value::Number)
                .ok_or_else(|| wrong(format!("has to be a whole number from 1 to {}", u32::MAX)))
        }
        Kind::Flag => found
            .get_ref()
            .as_bool()
            .map(Value::Flag)
            .ok_or_else(expected),
        Kind::List | Kind::Grants => {
            let items = found.get_ref().as_array().ok_or_else(expected)?;
            let items = items.iter().map(|item| {
                let text = item.get_ref().as_str().ok_or_else(|| Wrong {
                    message: format!(
                        "has to be {}; this is {}",
                        kind.describe(),
                        describe(item.get_ref())
                    ),
                    help: None,
                    span: item.span(),
                })?;
                self::text(kind, text, base).map_err(|(message, help)| Wrong {
                    message,
                    help,
                    span: item.span(),
                })
            });
            items.collect::<Result<_, _>>().map(Value::List)
        }
        Kind::Text | Kind::OneOf(_) | Kind::Path => {
            let text = found.get_ref().as_str().ok_or_else(expected)?;
            self::text(kind, text, base)
                .map(Value::Text)
                .map_err(|(message, help)| Wrong {
                    message,
                    help,
                    span: span.clone(),
                })
        }
    }
}

/// Checks one text.
fn text(kind: Kind, text: &str, base: &Path) -> Result<String, (String, Option<String>)> {
    if text.trim().is_empty() {
        return Err((
            "is empty".to_owned(),
            Some("leave it out instead".to_owned()),
        ));
    }
    if text.chars().any(char::is_control) {
        let help = "a value is one line without tabs and control characters";
        return Err(("has a control character".to_owned(), Some(help.to_owned())));
    }
    match kind {
        Kind::OneOf(words) if !words.contains(&text) => {
            let near = did_you_mean(&nearest(text, words.iter().copied()));
            Err((format!("has to be {}, not `{text}`", kind.describe()), near))
        }
        Kind::Grants if !grant_exists(text) => {
            let names = GRANTS.iter().map(|grant| grant.name);
            let near = did_you_mean(&nearest(text, names.clone()));
            let known = || format!("known are {}", names.collect::<Vec<_>>().join(", "));
            Err((
                format!("has no grant `{text}`"),
                near.or_else(|| Some(known())),
            ))
        }
        Kind::Path => absolute(base, text),
        _ => Ok(text.to_owned()),
    }
}

fn absolute(base: &Path, text: &str) -> Result<String, (String, Option<String>)> {
    if text.starts_with('~') {
        let help = "only a shell knows `~`; write the whole path";
        return Err(("begins with `~`".to_owned(), Some(help.to_owned())));
    }
    // Without the `.` parts, so that what is shown reads well. `..` stays: it may follow a symbolic link.
    let path: PathBuf = base
        .join(text)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    Ok(path.to_string_lossy().into_owned())
}

/// What a value of TOML is, in words.
pub(super) fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// Whether a parameter can have this name.
pub(super) fn is_param(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Checks the value of a parameter: every scalar, a truth value becomes `yes` or `no`.
pub(super) fn param(found: &Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
    let wrong = |message: String| Wrong {
        message,
        help: None,
        span: found.span(),
    };
    let text = match found.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|error| wrong(format!("is a {error}")))?
            .to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(true) => "yes".to_owned(),
        DeValue::Boolean(false) => "no".to_owned(),
        other => {
            let message = format!("has to be a text or a number, not {}", describe(other));
            return Err(wrong(message));
        }
    };
    one_line(text).map_err(wrong)
}

/// Checks the text of a parameter.
pub(super) fn one_line(text: String) -> Result<Value, String> {
    match text.chars().any(char::is_control) {
        true => Err("has a control character".to_owned()),
        false => Ok(Value::Text(text)),
    }
}

/// Checks a value of the environment: a text as it stands, other kinds as in a file. One text makes a list, too.
pub(super) fn variable(kind: Kind, text: &str, base: &Path) -> Result<Value, Wrong> {
    let wrong = |(message, help)| Wrong {
        message,
        help,
        span: 0..text.len(),
    };
    let trimmed = text.trim();
    let as_in_a_file = || {
        let example = match kind.is_list() {
            true => "write it as in a file, as `[\"a\", \"b\"]`",
            false => "write it as in a file, without quotes",
        };
        let found = DeValue::parse(trimmed).map_err(|_| {
            let message = format!("has to be {}, not `{trimmed}`", kind.describe());
            wrong((message, Some(example.to_owned())))
        })?;
        check(kind, &found, base)
    };
    match kind {
        Kind::Number | Kind::Flag => as_in_a_file(),
        Kind::List | Kind::Grants if trimmed.starts_with('[') => as_in_a_file(),
        Kind::List | Kind::Grants => self::text(kind, text, base)
            .map(|text| Value::List(vec![text]))
            .map_err(wrong),
        Kind::Text | Kind::OneOf(_) | Kind::Path => {
            self::text(kind, text, base).map(Value::Text).map_err(wrong)
        }
    }
}
