//! The tree of a job's results: logs and links, laid out as Avocado does.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use vthost_metadata::{
    Event, EventKind, JobFinished, JobStarted, LogLevel, LogSource, Phase, Status, TestFinished,
    TestLog, TestStarted, Timestamp,
};

use crate::log_file::{LogFile, entry, head, source_word};
use crate::time::{Clock, seconds};
use crate::{Job, ReportError, Sink, file};

/// Writes `id`, `job.log`, each test's `debug.log`, and the links in `test-results/by-status/`.
///
/// `debug.log` begins with the parameters of the test and has everything that was logged. `job.log` has
/// the course of the job, and what its tests logged at INFO and above.
pub struct Tree {
    job_dir: PathBuf,
    clock: Clock,
    job_log: Option<LogFile>,
    debug_logs: HashMap<usize, LogFile>,
    digits: usize,
}

impl Tree {
    /// For the job in `job_dir`; times are written in `zone`.
    pub fn new(job_dir: &Path, zone: TimeZone) -> Self {
        Self {
            job_dir: job_dir.to_owned(),
            clock: Clock::new(zone),
            job_log: None,
            debug_logs: HashMap::new(),
            digits: 1,
        }
    }

    fn job_started(&mut self, time: Timestamp, job: &JobStarted) -> Result<(), ReportError> {
        self.digits = job.tests.to_string().len();
        let id = self.job_dir.join("id");
        file::replace(&id, |out| Ok(writeln!(out, "{}", job.job_id)?))?;
        self.job_line(time, LogLevel::Info, &format!("JOB ID: {}", job.job_id))?;
        self.job_line(time, LogLevel::Info, &format!("vthost {}", job.version))?;
        let command = format!("command: {}", job.command.join(" "));
        self.job_line(time, LogLevel::Info, &command)?;
        for (key, value) in &job.host {
            self.job_line(time, LogLevel::Info, &format!("{key}: {value}"))?;
        }
        self.job_line(time, LogLevel::Info, &format!("TESTS: {}", job.tests))
    }

    fn test_started(&mut self, time: Timestamp, test: &TestStarted) -> Result<(), ReportError> {
        let mut params: Vec<_> = test.params.iter().collect();
        params.sort();
        let debug = head(&self.clock.stamp(time), LogLevel::Debug, "host");
        let mut lines = entry(&debug, &format!("variant: {}", test.variant));
        lines += &entry(&debug, &format!("pack: {}", test.pack));
        for (key, value) in params {
            lines += &entry(&debug, &format!("PARAMS: {key} = {value}"));
        }
        let mut log = self.create_debug_log(test.number, &test.dir)?;
        log.write(&lines)?;
        self.debug_logs.insert(test.number, log);
        let start = format!("START {}", test.name);
        self.test_line(time, test.number, LogLevel::Info, LogSource::Host, &start)
    }

    fn test_log(&mut self, time: Timestamp, log: &TestLog) -> Result<(), ReportError> {
        self.test_line(time, log.number, log.level, log.source, &log.message)
    }

    fn test_finished(&mut self, time: Timestamp, test: &TestFinished) -> Result<(), ReportError> {
        if !self.debug_logs.contains_key(&test.number) {
            // A test that was skipped never started; scripts find its log all the same.
            let log = self.create_debug_log(test.number, &test.dir)?;
            self.debug_logs.insert(test.number, log);
        }
        let level = match test.status {
            Status::Warn => LogLevel::Warn,
            status if status.is_ok() => LogLevel::Info,
            _ => LogLevel::Error,
        };
        if let Some(detail) = &test.detail {
            self.test_line(time, test.number, level, LogSource::Host, detail)?;
        }
        let mut end = format!("{} {} ({})", test.status, test.name, seconds(test.elapsed));
        if let Some(reason) = &test.reason {
            end += ": ";
            end += reason;
        }
        self.test_line(time, test.number, level, LogSource::Host, &end)?;
        self.debug_logs.remove(&test.number);
        self.link_by_status(test)
    }

    fn job_finished(&mut self, time: Timestamp, end: &JobFinished) -> Result<(), ReportError> {
        self.job_line(time, LogLevel::Info, &format!("RESULTS: {}", end.counts))?;
        let elapsed = format!("JOB TIME: {}", seconds(end.elapsed));
        self.job_line(time, LogLevel::Info, &elapsed)
    }

    fn create_debug_log(&self, number: usize, dir: &str) -> Result<LogFile, ReportError> {
        let dir = file::test_dir(&self.job_dir, number, dir)?;
        fs::create_dir_all(&dir).map_err(ReportError::write(&dir))?;
        LogFile::create(dir.join("debug.log"))
    }

    fn link_by_status(&self, test: &TestFinished) -> Result<(), ReportError> {
        let dir = file::test_dir(&self.job_dir, test.number, &test.dir)?;
        let name = dir.file_name().unwrap_or_default();
        let links = self
            .job_dir
            .join("test-results/by-status")
            .join(test.status.as_str());
        fs::create_dir_all(&links).map_err(ReportError::write(&links))?;
        let link = links.join(name);
        let target = Path::new("../../..").join(&test.dir);
        let linked = match symlink(&target, &link) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&link).and_then(|()| symlink(&target, &link))
            }
            linked => linked,
        };
        linked.map_err(ReportError::write(&link))
    }

    /// A line about a test, in its log and (from INFO up) in the job's.
    fn test_line(
        &mut self,
        time: Timestamp,
        number: usize,
        level: LogLevel,
        source: LogSource,
        message: &str,
    ) -> Result<(), ReportError> {
        let stamp = self.clock.stamp(time);
        let source = source_word(source);
        if let Some(log) = self.debug_logs.get_mut(&number) {
            log.write(&entry(&head(&stamp, level, source), message))?;
        }
        if level < LogLevel::Info {
            return Ok(());
        }
        let who = format!("#{number:0digits$} {source:<6}", digits = self.digits);
        self.job_log()?
            .write(&entry(&head(&stamp, level, &who), message))
    }

    /// A line about the job, in its log.
    fn job_line(
        &mut self,
        time: Timestamp,
        level: LogLevel,
        message: &str,
    ) -> Result<(), ReportError> {
        let who = format!("{:<width$}", "job", width = self.digits + 8);
        let line = entry(&head(&self.clock.stamp(time), level, &who), message);
        self.job_log()?.write(&line)
    }

    fn job_log(&mut self) -> Result<&mut LogFile, ReportError> {
        let log = match self.job_log.take() {
            Some(log) => log,
            None => LogFile::create(self.job_dir.join("job.log"))?,
        };
        Ok(self.job_log.insert(log))
    }
}

impl Sink for Tree {
    fn name(&self) -> &'static str {
        "test logs"
    }

    fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let time = event.time;
        match &event.kind {
            EventKind::JobStarted(job) => self.job_started(time, job),
            EventKind::TestStarted(test) => self.test_started(time, test),
            EventKind::TestPhase(step) => {
                let phase = format!("phase: {}", phase_word(step.phase));
                self.test_line(time, step.number, LogLevel::Info, LogSource::Host, &phase)
            }
            EventKind::TestLog(log) => self.test_log(time, log),
            EventKind::TestFinished(test) => self.test_finished(time, test),
            EventKind::JobInterrupted(interrupt) => {
                let message = format!("interrupted by {}", interrupt.signal);
                self.job_line(time, LogLevel::Warn, &message)
            }
            EventKind::JobFinished(end) => self.job_finished(time, end),
        }
    }

    fn finish(&mut self, _: &Job) -> Result<(), ReportError> {
        self.debug_logs.clear();
        Ok(())
    }
}

/// The word for a phase.
pub(crate) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Preprocess => "preprocess",
        Phase::Run => "run",
        Phase::Postprocess => "postprocess",
    }
}
