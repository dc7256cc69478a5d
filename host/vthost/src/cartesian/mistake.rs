//! A mistake at a place in a text, told as the engine tells those that it finds.

use vthost_metadata::ExitCode;

use crate::failure::Failure;

/// A mistake of which the engine knows nothing.
#[derive(Debug)]
pub(crate) struct Mistake<'a> {
    pub(crate) message: String,
    /// The name of the text.
    pub(crate) name: &'a str,
    /// From 1.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) text: &'a str,
    /// The first character to underline, from 0, and how many.
    pub(crate) at: (usize, usize),
    pub(crate) help: Option<String>,
}

impl Mistake<'_> {
    /// The failure to print, with this exit code.
    pub(crate) fn failure(&self, code: ExitCode) -> Failure {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Nothing of the text moves the caret or reaches the terminal as a command.
        let text: String = self
            .text
            .chars()
            .map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => '\u{fffd}',
                c => c,
            })
            .collect();
        let (first, width) = self.at;
        let mut report = format!(
            "{}\n{margin}--> {}:{number}:{}\n{margin} |\n{number} | {}\n{margin} | {}{}",
            self.message,
            self.name,
            first + 1,
            text.trim_end(),
            " ".repeat(first),
            "^".repeat(width.max(1)),
        );
        if let Some(help) = &self.help {
            report.push_str(&format!("\n{margin} = help: {help}"));
        }
        Failure::new(code, report)
    }
}
