//! `results.json`, with the keys that Avocado's has.

use std::path::{Path, PathBuf};

use serde::Serialize;
use vthost_metadata::Status;

use crate::{Job, ReportError, Sink, TestResult, file};

/// The version of `results.json`. It changes when a reader of the old one would misread the new one.
const SCHEMA: u32 = 1;

/// Writes `results.json`.
#[derive(Debug)]
pub struct JsonResults {
    path: PathBuf,
}

impl JsonResults {
    /// For the job in `job_dir`.
    pub fn new(job_dir: &Path) -> Self {
        Self {
            path: job_dir.join("results.json"),
        }
    }
}

impl Sink for JsonResults {
    fn name(&self) -> &'static str {
        "results.json"
    }

    fn finish(&mut self, job: &Job) -> Result<(), ReportError> {
        file::replace(&self.path, |out| {
            serde_json::to_writer_pretty(&mut *out, &Results::of(job))?;
            Ok(writeln!(out)?)
        })
    }
}

#[derive(Serialize)]
struct Results<'a> {
    schema: u32,
    job_id: &'a str,
    debuglog: PathBuf,
    start: f64,
    time: f64,
    total: usize,
    pass: usize,
    errors: usize,
    failures: usize,
    skip: usize,
    warn: usize,
    interrupt: usize,
    cancel: usize,
    tests: Vec<Test<'a>>,
}

impl<'a> Results<'a> {
    fn of(job: &'a Job) -> Self {
        let counts = job.counts();
        Self {
            schema: SCHEMA,
            job_id: job.id(),
            debuglog: job.dir().join("job.log"),
            start: job.begin(),
            time: micros(job.elapsed()),
            total: job.total(),
            pass: counts.pass,
            errors: counts.error,
            failures: counts.fail,
            skip: counts.skip,
            warn: counts.warn,
            interrupt: counts.interrupt,
            cancel: counts.cancel,
            tests: job.tests().map(|test| Test::of(job, test)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Test<'a> {
    id: String,
    name: &'a str,
    status: Status,
    fail_reason: Option<&'a str>,
    logdir: PathBuf,
    logfile: PathBuf,
    tags: Tags,
    /// Since the job began.
    time_start: f64,
    /// Since the job began.
    time_end: f64,
    /// Since the Unix epoch.
    actual_time_start: f64,
    /// Since the Unix epoch.
    actual_time_end: f64,
    time_elapsed: f64,
    whiteboard: &'static str,
}

/// Avocado has a map here.
#[derive(Serialize)]
struct Tags {}

impl<'a> Test<'a> {
    fn of(job: &Job, test: &'a TestResult) -> Self {
        let logdir = job.dir().join(&test.dir);
        let start = test.started - job.begin();
        Self {
            id: test.id(),
            name: &test.name,
            status: test.status,
            fail_reason: test.reason.as_deref(),
            logfile: logdir.join("debug.log"),
            logdir,
            tags: Tags {},
            time_start: micros(start),
            time_end: micros(start + test.elapsed),
            actual_time_start: test.started,
            actual_time_end: micros(test.started + test.elapsed),
            time_elapsed: micros(test.elapsed),
            whiteboard: "",
        }
    }
}

/// Sums of times have digits that mean nothing.
fn micros(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
