//! Colours.

use console::Style;
use vthost_metadata::{Counts, Status};

/// Colours, or none: the flag decides, not the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    color: bool,
}

impl Palette {
    pub(super) fn new(color: bool) -> Self {
        Self { color }
    }

    pub(super) fn status(self, status: Status) -> String {
        self.paint(style_of(status), status.as_str())
    }

    /// The counts of the summary: those that are not zero in the colour of their status.
    pub(super) fn counts(self, counts: Counts) -> String {
        let words = counts.to_string();
        let painted: Vec<_> = words
            .split(" | ")
            .zip(Status::ALL)
            .map(|(word, status)| match counts.get(status) {
                0 => self.soft(word),
                _ => self.paint(style_of(status), word),
            })
            .collect();
        painted.join(" | ")
    }

    pub(super) fn title(self, text: &str) -> String {
        self.paint(Style::new().red().bold(), text)
    }

    pub(super) fn soft(self, text: &str) -> String {
        self.paint(Style::new().dim(), text)
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.paint(Style::new().cyan(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        style.force_styling(self.color).apply_to(text).to_string()
    }
}

fn style_of(status: Status) -> Style {
    match status {
        Status::Pass => Style::new().green().bold(),
        Status::Error => Style::new().magenta().bold(),
        Status::Fail | Status::Interrupted => Style::new().red().bold(),
        Status::Warn => Style::new().yellow().bold(),
        Status::Skip => Style::new().yellow(),
        Status::Cancel => Style::new().cyan(),
    }
}
