//! `results.html`: one page that needs nothing else.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use vthost_metadata::Status;

use crate::time::{Clock, seconds};
use crate::{BoxError, Job, ReportError, Sink, TestResult, file, text};

const TEMPLATE: &str = include_str!("../templates/results.html");

/// How much of the end of a log is quoted, in bytes.
const LOG_TAIL: usize = 4 << 10;

/// How many tests have their log quoted. The page links to the others.
const QUOTED_TESTS: usize = 500;

/// Writes `results.html`.
///
/// The page is static: no scripts, no fonts, no pictures, and a content security policy that forbids them,
/// so that nothing that a pack or a guest says can come to life in it. A test that someone should look at
/// quotes the end of its log.
#[derive(Debug)]
pub struct Html {
    job_dir: PathBuf,
    clock: Clock,
}

impl Html {
    /// For the job in `job_dir`; times are written in `zone`.
    pub fn new(job_dir: &Path, zone: TimeZone) -> Self {
        Self {
            job_dir: job_dir.to_owned(),
            clock: Clock::new(zone),
        }
    }

    fn render(&self, job: &Job, out: &mut dyn Write) -> Result<(), BoxError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_trim_blocks(true);
        templates.set_lstrip_blocks(true);
        // The ending `.html` turns escaping on.
        templates.add_template("results.html", TEMPLATE)?;
        let page = self.page(job);
        templates
            .get_template("results.html")?
            .render_captured_to(page, out)?;
        Ok(())
    }

    fn page(&self, job: &Job) -> Page {
        let counts = job.counts();
        let mut facts = Vec::new();
        if let Some(started) = job.started() {
            facts.push(("Directory".to_owned(), text::line(&started.job_dir)));
            facts.push(("Command".to_owned(), text::line(&started.command.join(" "))));
            facts.push(("vthost".to_owned(), text::line(&started.version)));
            let host = started.host.iter();
            facts.extend(host.map(|(key, value)| (text::line(key), text::line(value))));
        }
        let mut quotes = QUOTED_TESTS;
        Page {
            job_id: text::line(job.id()),
            started: self.clock.date(job.begin()),
            elapsed: seconds(job.elapsed()),
            interrupted: job.interrupted(),
            total: job.total(),
            without_result: job.total().saturating_sub(job.tests().len()),
            chips: Status::ALL
                .map(|status| Chip {
                    status: status.as_str(),
                    class: class(status),
                    count: counts.get(status),
                })
                .into(),
            facts,
            tests: job
                .tests()
                .map(|test| self.row(test, &mut quotes))
                .collect(),
        }
    }

    fn row(&self, test: &TestResult, quotes: &mut usize) -> Row {
        let dir = file::test_dir(&self.job_dir, test.number, &test.dir).ok();
        let worth_a_look = test.status == Status::Warn || !test.status.is_ok();
        let log = dir
            .as_deref()
            .filter(|_| worth_a_look && *quotes > 0)
            .and_then(|dir| file::excerpt(&dir.join("debug.log"), 0, LOG_TAIL).ok());
        *quotes -= usize::from(log.is_some());
        let headline = test.headline();
        let reason = test.reason.as_deref().unwrap_or_default().trim();
        Row {
            number: test.number,
            name: test.name.clone(),
            status: test.status.as_str(),
            class: class(test.status),
            elapsed: seconds(test.elapsed),
            more: (reason != headline).then(|| reason.to_owned()),
            headline,
            log,
            dir: dir.map(|_| test.dir.clone()),
        }
    }
}

impl Sink for Html {
    fn name(&self) -> &'static str {
        "results.html"
    }

    fn finish(&mut self, job: &Job) -> Result<(), ReportError> {
        let path = self.job_dir.join("results.html");
        file::replace(&path, |out| self.render(job, out))
    }
}

/// The class that colours a status.
fn class(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Error => "error",
        Status::Fail => "fail",
        Status::Skip => "skip",
        Status::Warn => "warn",
        Status::Interrupted => "interrupted",
        Status::Cancel => "cancel",
    }
}

/// What the template knows.
#[derive(Serialize)]
struct Page {
    job_id: String,
    started: String,
    elapsed: String,
    interrupted: Option<String>,
    total: usize,
    without_result: usize,
    chips: Vec<Chip>,
    facts: Vec<(String, String)>,
    tests: Vec<Row>,
}

#[derive(Serialize)]
struct Chip {
    status: &'static str,
    class: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct Row {
    number: usize,
    name: String,
    status: &'static str,
    class: &'static str,
    elapsed: String,
    /// The first line of the reason.
    headline: String,
    /// The whole reason, where it is more than its first line.
    more: Option<String>,
    /// The end of the log.
    log: Option<String>,
    /// The directory of the test; none where the event did not name a proper one.
    dir: Option<String>,
}
