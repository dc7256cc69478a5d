//! Consumers of a job's event stream.
//!
//! Everything here is derived from [`Event`](vthost_metadata::Event)s and from nothing else, so every
//! report can be made again from a recorded `events.jsonl`.
//!
//! A [`Pipeline`] takes the events in order. It writes each one to the [`EventLog`] first, and then
//! hands it to its [`Sink`]s. What they make of a job:
//!
//! | sink | makes |
//! |---|---|
//! | [`Tree`] | `id`, `job.log`, `test-results/<n>-<name>/debug.log`, `test-results/by-status/` |
//! | [`JsonResults`] | `results.json` |
//! | [`Junit`] | `results.xml` |
//! | [`Tap`] | `results.tap` |
//! | [`Html`] | `results.html` |
//! | [`Terminal`] | lines for the operator, while the job runs |
//!
//! Packs and guests are not trusted: what they say is cleaned ([`text`]) before it gets into a report or
//! onto a terminal, and no path that an event carries leaves the job's directory.

mod error;
mod event_log;
mod file;
mod html;
mod job;
mod json;
mod junit;
mod log_file;
mod pipeline;
mod tap;
mod terminal;
pub mod text;
mod time;
mod tree;

use std::path::Path;

use jiff::tz::TimeZone;

pub use error::{BoxError, ReportError};
pub use event_log::{EventLog, from_jsonl};
pub use html::Html;
pub use job::{Job, TestResult};
pub use json::JsonResults;
pub use junit::Junit;
pub use pipeline::{Dropped, Pipeline, Sink};
pub use tap::Tap;
pub use terminal::{Terminal, TerminalOptions, Verbosity};
pub use tree::Tree;

/// Every sink that writes into the directory of a job, with times in the zone of this machine.
pub fn default_sinks(job_dir: &Path) -> Vec<Box<dyn Sink>> {
    default_sinks_in(job_dir, TimeZone::system())
}

/// As [`default_sinks`], with times in `zone`.
///
/// The tree comes first: JUnit and HTML quote the logs that it writes.
pub fn default_sinks_in(job_dir: &Path, zone: TimeZone) -> Vec<Box<dyn Sink>> {
    vec![
        Box::new(Tree::new(job_dir, zone.clone())),
        Box::new(JsonResults::new(job_dir)),
        Box::new(Junit::new(job_dir)),
        Box::new(Tap::new(job_dir)),
        Box::new(Html::new(job_dir, zone)),
    ]
}
