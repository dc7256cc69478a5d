//! The event stream of a job.

use serde::{Deserialize, Serialize};

use crate::{Counts, Status};

/// The version of the event stream. It changes when a reader of the old one would misread the new one.
pub const SCHEMA: u32 = 1;

/// A moment: seconds since the Unix epoch, with microseconds.
pub type Timestamp = f64;

/// One thing that happened in a job. A line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// The job starts. Always the first event.
    JobStarted(JobStarted),
    /// A test starts. Every started test has a [`TestFinished`] later, unless the host died.
    TestStarted(TestStarted),
    /// A running test enters its next phase.
    TestPhase(TestPhase),
    /// A line for the test's log.
    TestLog(TestLog),
    /// A test ended.
    TestFinished(TestFinished),
    /// The operator asked for the end of the job.
    JobInterrupted(JobInterrupted),
    /// The job ended. Always the last event.
    JobFinished(JobFinished),
}

/// The job starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobStarted {
    /// Version of the stream: [`SCHEMA`].
    pub schema: u32,
    /// Forty hexadecimal digits, unique to this job.
    pub job_id: String,
    /// The job's directory.
    pub job_dir: String,
    /// How many tests the job has.
    pub tests: usize,
    /// The command line that started the job.
    pub command: Vec<String>,
    /// The version of vthost.
    pub version: String,
    /// Facts about the host that explain results: QEMU version, accelerator, and why.
    pub host: Vec<(String, String)>,
}

/// A test starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestStarted {
    /// The number of the test in its job, from 1.
    pub number: usize,
    /// How many tests the job has.
    pub total: usize,
    /// The name of the test: the short name of its variant.
    pub name: String,
    /// The full name of the variant.
    pub variant: String,
    /// The pack that holds it.
    pub pack: String,
    /// The directory of the test, relative to the job's.
    pub dir: String,
    /// Every parameter of the variant, sorted by key.
    pub params: Vec<(String, String)>,
}

/// A phase of a test (guide, section "Life of a test": preprocess, run, postprocess).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Images and machines are made ready.
    Preprocess,
    /// The test itself runs.
    Run,
    /// Machines are taken down, images are checked.
    Postprocess,
}

/// A running test enters its next phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestPhase {
    /// The number of the test.
    pub number: usize,
    /// The phase that begins.
    pub phase: Phase,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For the one who looks for a defect.
    Debug,
    /// The course of the test.
    Info,
    /// Something that a person should look at.
    Warn,
    /// Something went wrong.
    Error,
}

impl LogLevel {
    /// The word in a log: `DEBUG`, `INFO`, `WARN`, `ERROR`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// Who wrote a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// vthost itself.
    Host,
    /// The test, through `vthost:core/log`.
    Test,
    /// The standard output of the pack.
    Stdout,
    /// The standard error of the pack: panics and exceptions.
    Stderr,
}

/// A line for the test's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestLog {
    /// The number of the test.
    pub number: usize,
    /// How important it is.
    pub level: LogLevel,
    /// Who wrote it.
    pub source: LogSource,
    /// The text; it may come from a pack or a guest and is not safe for a terminal as it is.
    pub message: String,
}

/// A test ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestFinished {
    /// The number of the test.
    pub number: usize,
    /// The name of the test.
    pub name: String,
    /// The directory of the test, relative to the job's.
    pub dir: String,
    /// How it ended.
    pub status: Status,
    /// Why, in one line; none for PASS.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// More about why: a backtrace, a chain of causes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// When it started.
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub elapsed: f64,
}

/// The operator asked for the end of the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInterrupted {
    /// What asked: `SIGINT`, `SIGTERM`.
    pub signal: String,
}

/// The job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobFinished {
    /// How many tests ended with each status.
    pub counts: Counts,
    /// How long the job took, in seconds.
    pub elapsed: f64,
    /// Whether the operator ended it.
    pub interrupted: bool,
    /// What was left at the end although nothing should be: each line is a defect.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_line() {
        let event = Event {
            time: 12.5,
            kind: EventKind::TestPhase(TestPhase {
                number: 3,
                phase: Phase::Preprocess,
            }),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(
            line,
            r#"{"time":12.5,"event":"test-phase","number":3,"phase":"preprocess"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}
