//! `results.xml`, for consumers of JUnit reports.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use vthost_metadata::Status;

use crate::{Job, ReportError, Sink, TestResult, file, text, time};

/// How much of a test's log is quoted, in bytes: the begin and the end of it. Avocado's limit.
const LOG_LIMIT: usize = 100_000;

/// How much log is quoted in all, in bytes. The whole report is in memory at once, and those who read it
/// have limits of their own.
const TOTAL_LIMIT: usize = 32 << 20;

/// Writes `results.xml`: one suite, a case for each test. A case that someone should look at (FAIL, ERROR,
/// INTERRUPTED, WARN) quotes its log.
#[derive(Debug)]
pub struct Junit {
    job_dir: PathBuf,
    path: PathBuf,
}

impl Junit {
    /// For the job in `job_dir`.
    pub fn new(job_dir: &Path) -> Self {
        Self {
            job_dir: job_dir.to_owned(),
            path: job_dir.join("results.xml"),
        }
    }

    fn report(&self, job: &Job) -> Report {
        let name = job.dir().file_name().unwrap_or_default().to_string_lossy();
        let mut suite = TestSuite::new(text::line(&name));
        suite.timestamp = time::rfc3339(job.begin()).parse().ok();
        suite.time = duration(job.elapsed());
        if let Some(started) = job.started() {
            suite.add_property(("vthost", text::line(&started.version).as_str()));
            for (key, value) in &started.host {
                suite.add_property((text::line(key).as_str(), text::line(value).as_str()));
            }
        }
        let mut skipped = 0;
        let mut left = TOTAL_LIMIT;
        for test in job.tests() {
            let case = self.case(test, &mut left);
            skipped += usize::from(matches!(case.status, TestCaseStatus::Skipped { .. }));
            suite.add_test_case(case);
        }
        suite
            .extra
            .insert("skipped".into(), skipped.to_string().into());
        let mut report = Report::new("vthost");
        report.timestamp = suite.timestamp;
        report.time = suite.time;
        report.add_test_suite(suite);
        report
    }

    fn case(&self, test: &TestResult, left: &mut usize) -> TestCase {
        let mut status = match test.status {
            Status::Pass | Status::Warn => TestCaseStatus::success(),
            Status::Skip | Status::Cancel => TestCaseStatus::skipped(),
            Status::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Status::Error | Status::Interrupted => {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            }
        };
        if !matches!(status, TestCaseStatus::Success { .. }) {
            status.set_type(test.status.as_str());
            if let Some(reason) = &test.reason {
                status.set_message(test.headline());
                status.set_description(xml(reason));
            }
        }
        let mut case = TestCase::new(&test.name, status);
        case.set_classname("VirtTest");
        case.time = duration(test.elapsed);
        if test.status == Status::Warn || !test.status.is_ok() {
            let log = self.log(test, (*left).min(LOG_LIMIT));
            *left = left.saturating_sub(log.len());
            case.set_system_out(xml(&log));
        }
        case
    }

    fn log(&self, test: &TestResult, limit: usize) -> String {
        let log = Path::new(&test.dir).join("debug.log");
        if limit < LOG_LIMIT {
            return format!(
                "this report is full; see {}",
                text::line(&log.to_string_lossy())
            );
        }
        // The note about the cut counts as well.
        let half = limit / 2 - 50;
        file::test_dir(&self.job_dir, test.number, &test.dir)
            .map_err(|error| error.to_string())
            .and_then(|dir| {
                file::excerpt(&dir.join("debug.log"), half, half).map_err(|e| e.to_string())
            })
            .unwrap_or_else(|error| format!("the log cannot be read: {error}"))
    }
}

impl Sink for Junit {
    fn name(&self) -> &'static str {
        "results.xml"
    }

    fn finish(&mut self, job: &Job) -> Result<(), ReportError> {
        file::replace(&self.path, |out| Ok(self.report(job).serialize(out)?))
    }
}

/// The library drops tabs with the other control characters.
fn xml(text: &str) -> String {
    text.replace('\t', "    ")
}

/// An event log can say anything, even that a test took less than no time.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
