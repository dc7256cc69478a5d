//! What the reports at the end of a job need to know of it, and no more.

use std::collections::BTreeMap;
use std::path::Path;

use vthost_metadata::{Counts, Event, EventKind, JobFinished, JobStarted, Status, Timestamp};

use crate::text;

/// What became of a test: one small record, whatever the test logged.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The number of the test in its job, from 1.
    pub number: usize,
    /// Its name, safe to show.
    pub name: String,
    /// Its directory, relative to the job's. Not safe to show, and not checked.
    pub dir: String,
    /// How it ended.
    pub status: Status,
    /// Why, safe to show; it may have several lines.
    pub reason: Option<String>,
    /// When it started.
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub elapsed: f64,
}

impl TestResult {
    /// The id of the test in its job: the name of its directory, `<n>-<name>`, safe to show.
    pub fn id(&self) -> String {
        text::line(self.dir.rsplit('/').next().unwrap_or_default())
    }

    /// The first line of the reason; empty where there is none.
    pub fn headline(&self) -> String {
        self.reason
            .as_deref()
            .map(text::first_line)
            .unwrap_or_default()
    }
}

/// A test that has started and not ended.
#[derive(Debug, Clone)]
struct Running {
    name: String,
    dir: String,
    started: Timestamp,
}

/// A job, folded from its events. Its size depends on the number of tests only.
#[derive(Debug, Clone, Default)]
pub struct Job {
    started: Option<JobStarted>,
    begin: Timestamp,
    last: Timestamp,
    running: BTreeMap<usize, Running>,
    tests: BTreeMap<usize, TestResult>,
    signal: Option<String>,
    finished: Option<JobFinished>,
}

impl Job {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        self.last = event.time;
        match &event.kind {
            EventKind::JobStarted(job) => {
                self.begin = event.time;
                self.started = Some(job.clone());
            }
            EventKind::TestStarted(test) => {
                let running = Running {
                    name: text::line(&test.name),
                    dir: test.dir.clone(),
                    started: event.time,
                };
                self.running.insert(test.number, running);
            }
            EventKind::TestFinished(test) => {
                self.running.remove(&test.number);
                let result = TestResult {
                    number: test.number,
                    name: text::line(&test.name),
                    dir: test.dir.clone(),
                    status: test.status,
                    reason: test.reason.as_deref().map(text::block),
                    started: test.started,
                    elapsed: test.elapsed,
                };
                self.tests.insert(test.number, result);
            }
            EventKind::JobInterrupted(interrupt) => {
                self.signal = Some(text::line(&interrupt.signal));
            }
            EventKind::JobFinished(end) => self.finished = Some(end.clone()),
            EventKind::TestPhase(_) | EventKind::TestLog(_) => {}
        }
    }

    /// No more events will come. A test that still runs then died with its host: it was interrupted.
    pub(crate) fn close(&mut self) {
        for (number, test) in std::mem::take(&mut self.running) {
            let result = TestResult {
                number,
                name: test.name,
                dir: test.dir,
                status: Status::Interrupted,
                reason: Some("the job ended before the test did".to_owned()),
                started: test.started,
                elapsed: (self.last - test.started).max(0.0),
            };
            self.tests.insert(number, result);
        }
    }

    /// The first event, if the job has begun.
    pub fn started(&self) -> Option<&JobStarted> {
        self.started.as_ref()
    }

    /// The id of the job; empty before it has begun.
    pub fn id(&self) -> &str {
        self.started.as_ref().map_or("", |job| &job.job_id)
    }

    /// The directory of the job as its events name it, which is not where the sinks write in a replay.
    pub fn dir(&self) -> &Path {
        Path::new(self.started.as_ref().map_or("", |job| &job.job_dir))
    }

    /// When the job began.
    pub fn begin(&self) -> Timestamp {
        self.begin
    }

    /// How many tests the job has, run or not.
    pub fn total(&self) -> usize {
        let planned = self.started.as_ref().map_or(0, |job| job.tests);
        planned.max(self.tests.len())
    }

    /// What became of the tests that ended, by number.
    pub fn tests(&self) -> impl ExactSizeIterator<Item = &TestResult> {
        self.tests.values()
    }

    /// How many tests ended with each status. The runner knows best; without its word they are counted.
    pub fn counts(&self) -> Counts {
        if let Some(end) = &self.finished {
            return end.counts;
        }
        let mut counts = Counts::default();
        for test in self.tests.values() {
            counts.add(test.status);
        }
        counts
    }

    /// How long the job took, in seconds.
    pub fn elapsed(&self) -> f64 {
        match &self.finished {
            Some(end) => end.elapsed,
            None => (self.last - self.begin).max(0.0),
        }
    }

    /// Why the job did not come to its end, if so.
    pub fn interrupted(&self) -> Option<String> {
        let signal = || {
            self.signal
                .as_ref()
                .map(|by| format!("interrupted by {by}"))
        };
        match &self.finished {
            // The signal came too late to matter.
            Some(end) if !end.interrupted => None,
            Some(_) => signal().or_else(|| Some("interrupted".to_owned())),
            None => signal().or_else(|| Some("the host died before the job ended".to_owned())),
        }
    }
}
