//! What can be wrong with a configuration, and where.

use std::fmt;

use crate::text::span::Span;

/// What sort of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// An `include` gave no text, or leads back to itself.
    Include,
    /// A bound was passed: nesting, includes, length of a value.
    Limit,
    /// The key pattern of `?=`, `?+=` or `?<=` is no regular expression.
    Pattern,
    /// `[default=x]` names a variant that the block does not have.
    Default,
    /// `_min` or `_max` met a value that is not a number.
    Number,
    /// `join` cannot merge what its filters select.
    Join,
}

/// An error in a configuration: what, and where (file, line, column).
///
/// `Display` is one line, `file:line:column: message`; [`Error::render`] shows the source line with a caret.
#[derive(Clone, thiserror::Error)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    span: Span,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, span: &Span, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            help: None,
            span: span.clone(),
        }))
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// What sort of thing is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A hint how to mend it, if there is one.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The name of the source.
    pub fn source_name(&self) -> &str {
        self.0.span.name()
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.0.span.number()
    }

    /// The column, in characters from 1, after tabs became blanks.
    pub fn column(&self) -> u32 {
        self.0.span.column()
    }

    /// A report of several lines: the message, the place, the source line with a caret, the includes that lead there.
    pub fn render(&self) -> String {
        let help = self.help().map(|help| ("help", help));
        report(&format!("error: {}", self.message()), &self.0.span, help)
    }
}

/// Characters of a line that are shown.
const MAX_SHOWN: usize = 400;

/// What people see of something told about a place: the headline, the place, the source line with a caret, the includes
/// that lead there, and remarks, each with the word before it.
pub(crate) fn report<'a>(
    headline: &str,
    span: &Span,
    remarks: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let number = span.number().to_string();
    let margin = " ".repeat(number.len());
    // Control characters of a hostile source must not reach the terminal; each one keeps its column.
    let column = span.column();
    let before = span.shown_column().saturating_sub(1) as usize;
    // Of a very long line, what is around the place.
    let hidden = before.saturating_sub(MAX_SHOWN / 2);
    let shown = span.source_line().chars().skip(hidden).take(MAX_SHOWN);
    let line: String = shown
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    let offset = " ".repeat(before - hidden);
    let carets = "^".repeat(span.width().min(MAX_SHOWN - (before - hidden)));
    let mut out = format!(
        "{headline}\n{margin}--> {}:{number}:{column}\n{margin} |\n{number} | {line}\n{margin} | {offset}{carets}\n",
        span.name(),
    );
    for from in span.file.including() {
        out.push_str(&format!(
            "{margin} = included from {}:{}\n",
            from.name(),
            from.number()
        ));
    }
    for (word, text) in remarks {
        out.push_str(&format!("{margin} = {word}: {text}\n"));
    }
    out
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.source_name(),
            self.line(),
            self.column(),
            self.message()
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {self})", self.kind())
    }
}
