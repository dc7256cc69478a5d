//! What is wrong with a setting.

use std::ops::Range;

use vthost_metadata::ExitCode;

use crate::cartesian::mistake::Mistake;
use crate::failure::Failure;

/// A mistake in the settings: what, where, and what to do.
#[derive(Debug)]
pub(crate) struct SettingsError {
    pub(crate) message: String,
    place: Option<Place>,
    pub(crate) help: Option<String>,
}

/// A place in a file.
#[derive(Debug)]
struct Place {
    file: String,
    /// From 1.
    line: usize,
    text: String,
    /// The first character to underline, from 0, and how many.
    at: (usize, usize),
}

impl SettingsError {
    /// A mistake outside of any file.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// With what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// At these bytes of a file.
    pub(crate) fn at(mut self, file: &str, text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text[begin..].split('\n').next().unwrap_or_default();
        let first = before[begin..].chars().count();
        let marked = text.get(span).unwrap_or_default();
        let width = marked.split('\n').next().unwrap_or_default();
        self.place = Some(Place {
            file: file.to_owned(),
            line: line_of(text, begin),
            text: line.to_owned(),
            at: (first, width.chars().count()),
        });
        self
    }
}

/// The number of the line, from 1, in which a byte of the text is.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    text.bytes()
        .take(byte)
        .filter(|&byte| byte == b'\n')
        .count()
        + 1
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        match error.place {
            Some(place) => Mistake {
                message: error.message,
                name: &place.file,
                line: place.line,
                text: &place.text,
                at: place.at,
                help: error.help,
            }
            .failure(ExitCode::Usage),
            None => {
                let help = error
                    .help
                    .map_or_else(String::new, |help| format!("\n  help: {help}"));
                Self::new(ExitCode::Usage, error.message + &help)
            }
        }
    }
}
