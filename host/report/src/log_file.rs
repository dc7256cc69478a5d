//! A log that a person reads.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use vthost_metadata::{LogLevel, LogSource};

use crate::{ReportError, file, text};

/// A log file. Each call of [`LogFile::lines`] is one write, so that a reader can follow it.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    pub(crate) fn create(path: PathBuf) -> Result<Self, ReportError> {
        let file = file::create_log(&path).map_err(ReportError::write(&path))?;
        Ok(Self { path, file })
    }

    pub(crate) fn write(&mut self, lines: &str) -> Result<(), ReportError> {
        self.file
            .write_all(lines.as_bytes())
            .map_err(ReportError::write(&self.path))
    }
}

/// One entry: what comes before the bar, and the text after it. The further lines of the text get the bar
/// as well, under the first: text cannot pass for an entry of its own.
pub(crate) fn entry(head: &str, message: &str) -> String {
    let message = text::escaped(message);
    let mut out = String::with_capacity(head.len() + message.len() + 4);
    for (index, line) in message.trim_end_matches('\n').split('\n').enumerate() {
        match index {
            0 => out.push_str(head),
            _ => out.extend(std::iter::repeat_n(' ', head.chars().count())),
        }
        out.push_str(" | ");
        out.push_str(line);
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

/// The word for who wrote a line.
pub(crate) fn source_word(source: LogSource) -> &'static str {
    match source {
        LogSource::Host => "host",
        LogSource::Test => "test",
        LogSource::Stdout => "stdout",
        LogSource::Stderr => "stderr",
    }
}

/// What comes before the bar: `2026-11-22 14:03:01,123 INFO  test  `.
pub(crate) fn head(stamp: &str, level: LogLevel, who: &str) -> String {
    let level = level.as_str();
    format!("{stamp} {level:<5} {who:<6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_can_be_forged() {
        let head = head(
            "2026-11-22 14:03:01,123",
            LogLevel::Info,
            source_word(LogSource::Test),
        );
        assert_eq!(
            entry(&head, "one\r\n2026 ERROR host | \x1b[2Jtwo\n\n"),
            "2026-11-22 14:03:01,123 INFO  test   | one\n                                     | \
             2026 ERROR host | \\x1b[2Jtwo\n"
        );
    }
}
