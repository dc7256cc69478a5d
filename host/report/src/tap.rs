//! `results.tap`, for consumers of the Test Anything Protocol.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use vthost_metadata::Status;

use crate::{Job, ReportError, Sink, TestResult, file};

/// Writes `results.tap`.
#[derive(Debug)]
pub struct Tap {
    path: PathBuf,
}

impl Tap {
    /// For the job in `job_dir`.
    pub fn new(job_dir: &Path) -> Self {
        Self {
            path: job_dir.join("results.tap"),
        }
    }
}

impl Sink for Tap {
    fn name(&self) -> &'static str {
        "results.tap"
    }

    fn finish(&mut self, job: &Job) -> Result<(), ReportError> {
        file::replace(&self.path, |out| Ok(write(out, job)?))
    }
}

fn write(out: &mut dyn Write, job: &Job) -> io::Result<()> {
    match job.total() {
        0 => writeln!(out, "1..0 # SKIP the job has no tests")?,
        total => writeln!(out, "1..{total}")?,
    }
    for test in job.tests() {
        write_test(out, test)?;
    }
    if job.tests().len() < job.total() {
        let why = job.interrupted();
        let why = why.as_deref().unwrap_or("some tests have no result");
        writeln!(out, "Bail out! {why}")?;
    }
    Ok(())
}

fn write_test(out: &mut dyn Write, test: &TestResult) -> io::Result<()> {
    let ok = if test.status.is_ok() { "ok" } else { "not ok" };
    write!(out, "{ok} {} {}", test.number, escaped(&test.name))?;
    if matches!(test.status, Status::Skip | Status::Cancel) {
        return match test.headline() {
            reason if reason.is_empty() => writeln!(out, " # SKIP"),
            reason => writeln!(out, " # SKIP {}", escaped(&reason)),
        };
    }
    writeln!(out)?;
    if test.status != Status::Pass {
        writeln!(out, "# {}", test.status)?;
        for line in test.reason.iter().flat_map(|reason| reason.lines()) {
            writeln!(out, "#   {line}")?;
        }
    }
    Ok(())
}

/// A `#` would begin a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}
