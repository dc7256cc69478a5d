//! Recorded jobs, and the reports made of them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test crate uses its own part of this module"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use vthost_metadata::{
    Counts, Event, EventKind, JobFinished, JobInterrupted, JobStarted, LogLevel, LogSource, Phase,
    SCHEMA, Status, TestFinished, TestLog, TestPhase, TestStarted,
};
use vthost_report::{Pipeline, Sink, default_sinks_in};

pub const JOB_DIR: &str = "/results/job-2026-11-22T14.03-c0ffee1";

/// What a hostile pack or guest may say.
pub const HOSTILE: &str = "<script>alert(\"1\")</script> #1 & ]]> \x1b[2J\x1b]0;owned\x07\0\u{202e}\u{9b}31m'end\\\n\
    2026-11-22 14:03:01,123 INFO  host   | PASS forged\r\nok 9 forged\ttab \u{fffe}é";

/// Writes events at growing moments.
pub struct Script {
    time: f64,
    job_dir: String,
    tests: usize,
    counts: Counts,
    pub events: Vec<Event>,
}

impl Script {
    pub fn new(job_dir: &str, tests: usize) -> Self {
        let mut script = Self {
            time: 1_795_356_181.123_457,
            job_dir: job_dir.to_owned(),
            tests,
            counts: Counts::default(),
            events: Vec::new(),
        };
        script.push(EventKind::JobStarted(JobStarted {
            schema: SCHEMA,
            job_id: "c0ffee1427c51530ba2fcc37087c100917e1dd8a".to_owned(),
            job_dir: script.job_dir.clone(),
            tests,
            command: ["vthost", "run", "boot", "migrate..tcp"]
                .map(str::to_owned)
                .into(),
            version: "0.1.0".to_owned(),
            host: [
                ("qemu", "/usr/bin/qemu-system-x86_64 10.1.0"),
                ("accelerator", "tcg (/dev/kvm: permission denied)"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        }));
        script
    }

    fn push(&mut self, kind: EventKind) {
        self.events.push(Event {
            time: self.time,
            kind,
        });
        // Not a number that a sum of floats gets right.
        self.time += 0.1;
    }

    pub fn start(&mut self, number: usize, name: &str, dir: &str) -> &mut Self {
        self.push(EventKind::TestStarted(TestStarted {
            number,
            total: self.tests,
            name: name.to_owned(),
            variant: format!("{name}.virtio_blk.smp2.JeOS.x86_64"),
            pack: "qemu.wasm".to_owned(),
            dir: dir.to_owned(),
            params: [
                ("vms", "vm1"),
                ("image_name", "images/jeos"),
                ("mem", "512"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        }));
        self
    }

    pub fn phase(&mut self, number: usize, phase: Phase) -> &mut Self {
        self.push(EventKind::TestPhase(TestPhase { number, phase }));
        self
    }

    pub fn log(
        &mut self,
        number: usize,
        level: LogLevel,
        source: LogSource,
        message: &str,
    ) -> &mut Self {
        self.push(EventKind::TestLog(TestLog {
            number,
            level,
            source,
            message: message.to_owned(),
        }));
        self
    }

    pub fn end(
        &mut self,
        number: usize,
        name: &str,
        dir: &str,
        status: Status,
        reason: Option<&str>,
        detail: Option<&str>,
    ) -> &mut Self {
        self.counts.add(status);
        let elapsed = match status {
            Status::Skip => 0.0,
            _ => number as f64 * 3.555,
        };
        self.time += elapsed;
        self.push(EventKind::TestFinished(TestFinished {
            number,
            name: name.to_owned(),
            dir: dir.to_owned(),
            status,
            reason: reason.map(str::to_owned),
            detail: detail.map(str::to_owned),
            started: self.time - elapsed,
            elapsed,
        }));
        self
    }

    pub fn interrupt(&mut self, signal: &str) -> &mut Self {
        let signal = signal.to_owned();
        self.push(EventKind::JobInterrupted(JobInterrupted { signal }));
        self
    }

    pub fn finish(mut self, interrupted: bool) -> Vec<Event> {
        let end = JobFinished {
            counts: self.counts,
            elapsed: 104.726,
            interrupted,
            problems: Vec::new(),
        };
        self.push(EventKind::JobFinished(end));
        self.events
    }
}

/// A job with every status, hostile text, and two tests that run at once.
pub fn every_status(job_dir: &str) -> Vec<Event> {
    use LogLevel::{Debug, Error, Info, Warn};
    use LogSource::{Host, Stderr, Stdout, Test};
    let mut job = Script::new(job_dir, 12);
    let [boot, migrate] = ["test-results/01-boot", "test-results/02-migrate.tcp"];
    job.start(1, "boot", boot)
        .phase(1, Phase::Preprocess)
        .start(2, "migrate.tcp", migrate)
        .log(1, Debug, Host, "qemu-system-x86_64 -machine q35")
        .phase(1, Phase::Run)
        .log(1, Info, Test, "the guest is up\nafter two lines")
        .phase(2, Phase::Run)
        .log(2, Warn, Test, "the guest is slow")
        .phase(1, Phase::Postprocess)
        .end(
            2,
            "migrate.tcp",
            migrate,
            Status::Fail,
            Some("the guest does not answer on port 22 after the migration to the other machine"),
            Some("session: timeout after 240 s\ncaused by: no prompt"),
        )
        .end(1, "boot", boot, Status::Pass, None, None);
    let hostile = "test-results/03-_script_";
    job.start(3, HOSTILE, hostile)
        .log(3, Error, Stderr, HOSTILE)
        .log(3, Info, Stdout, "")
        .end(
            3,
            HOSTILE,
            hostile,
            Status::Error,
            Some(HOSTILE),
            Some(HOSTILE),
        );
    let skip = "test-results/04-skipped";
    job.end(
        4,
        "skipped",
        skip,
        Status::Skip,
        Some("no parameter image_name#2"),
        None,
    );
    let warn = "test-results/05-warned";
    job.start(5, "warned", warn).end(
        5,
        "warned",
        warn,
        Status::Warn,
        Some("the clock drifts"),
        None,
    );
    let cancel = "test-results/06-cancelled";
    job.start(6, "cancelled", cancel)
        .end(6, "cancelled", cancel, Status::Cancel, None, None);
    let cut = "test-results/07-cut";
    job.start(7, "cut", cut).interrupt("SIGINT").end(
        7,
        "cut",
        cut,
        Status::Interrupted,
        Some("interrupted by SIGINT"),
        None,
    );
    for number in 8..=12 {
        let [name, dir] = [
            format!("later{number}"),
            format!("test-results/{number:02}-later{number}"),
        ];
        job.end(
            number,
            &name,
            &dir,
            Status::Skip,
            Some("interrupted by SIGINT"),
            None,
        );
    }
    job.finish(true)
}

/// A job whose host died: one test has ended, one runs, one has not begun.
pub fn died(job_dir: &str) -> Vec<Event> {
    let mut job = Script::new(job_dir, 3);
    job.start(1, "boot", "test-results/1-boot")
        .end(1, "boot", "test-results/1-boot", Status::Pass, None, None)
        .start(2, "hang", "test-results/2-hang")
        .phase(2, Phase::Run);
    job.events
}

/// A job with no tests.
pub fn empty(job_dir: &str) -> Vec<Event> {
    Script::new(job_dir, 0).finish(false)
}

/// Gives the events to the sinks; none may fail.
pub fn run(events: &[Event], sinks: Vec<Box<dyn Sink>>) {
    let mut pipeline = Pipeline::replay(sinks);
    for event in events {
        pipeline.event(event).unwrap();
    }
    let dropped = pipeline.finish();
    assert!(dropped.is_empty(), "{dropped:?}");
}

/// Every report of a job, as the files and links that they are.
pub fn reports(events: &[Event]) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    run(events, default_sinks_in(dir.path(), TimeZone::UTC));
    tree(dir.path())
}

/// The files and links below a directory.
pub fn tree(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if path.is_symlink() {
                assert!(path.is_dir(), "{name} leads nowhere");
                let target = fs::read_link(&path).unwrap();
                found.insert(name, format!("-> {}", target.display()));
            } else if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}
