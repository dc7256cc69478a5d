//! The progress of a download, for people.

use indicatif::{ProgressBar, ProgressStyle};
use vthost_provider::asset::FetchEvent;
use vthost_report::text;

use crate::output::say;

/// A bar on a terminal; lines everywhere else.
pub(crate) struct Bar {
    name: String,
    bar: ProgressBar,
    template: &'static str,
}

impl Bar {
    pub(crate) fn new(name: &str) -> Self {
        // It hides itself where standard error is no terminal.
        let bar = ProgressBar::no_length();
        Self {
            name: name.to_owned(),
            bar,
            template: "",
        }
    }

    /// Shows what happens.
    pub(crate) fn event(&mut self, event: FetchEvent<'_>) {
        match event {
            FetchEvent::Waiting { holder } => {
                self.line(
                    "Waiting",
                    &format!("for {holder}, which fetches {}", self.name),
                );
            }
            FetchEvent::Contacting { url, from: 0 } => self.line("Fetching", url),
            FetchEvent::Contacting { url, from } => {
                self.line("Resuming", &format!("{url} after {} MiB", from >> 20));
            }
            FetchEvent::StartedOver => {
                self.line(
                    "Restarting",
                    &format!("{}: it has to come from its beginning", self.name),
                );
            }
            FetchEvent::Received { bytes, total } => {
                if let Some(total) = total {
                    self.bar.set_length(total);
                }
                self.template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
                self.bar.set_position(bytes);
            }
            FetchEvent::Retry { why, wait } => self.line(
                "Retrying",
                &format!("{why}; again in {:.1} s", wait.as_secs_f64()),
            ),
            FetchEvent::GivenUp { url, why } => self.line("Leaving", &format!("{url}: {why}")),
            FetchEvent::Verifying => self.line("Checking", &self.name),
            FetchEvent::Uncompressing { bytes } => {
                self.template("{spinner} uncompressed {bytes} {bytes_per_sec}");
                self.bar.set_position(bytes);
            }
        }
    }

    fn template(&mut self, template: &'static str) {
        if self.template == template {
            return;
        }
        self.template = template;
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }

    /// A line above the bar.
    fn line(&self, verb: &str, text: &str) {
        self.bar.suspend(|| say(verb, &text::line(text)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
