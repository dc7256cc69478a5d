//! Recording, replaying, and what happens when something fails.

mod common;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex};

use common::{HOSTILE, JOB_DIR, Script, every_status, tree};
use jiff::tz::TimeZone;
use vthost_metadata::{Event, Status};
use vthost_report::{
    EventLog, Job, JsonResults, Pipeline, ReportError, Sink, Tap, Tree, default_sinks_in,
    from_jsonl,
};

fn record(dir: &Path, events: &[Event]) {
    let log = EventLog::create(dir).unwrap();
    let mut pipeline = Pipeline::record(log, default_sinks_in(dir, TimeZone::UTC));
    for event in events {
        pipeline.event(event).unwrap();
    }
    assert!(pipeline.finish().is_empty());
}

fn recorded(dir: &Path) -> Vec<Event> {
    let file = File::open(dir.join("events.jsonl")).unwrap();
    from_jsonl(BufReader::new(file))
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn every_report_can_be_made_again() {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let events = every_status(JOB_DIR);
    record(first.path(), &events);
    let again = recorded(first.path());
    assert_eq!(again, events);
    // Into a directory of its own, with an event log of its own: the same to the byte.
    record(second.path(), &again);
    let before = tree(first.path());
    assert_eq!(tree(second.path()), before);
    // And over the reports that are there.
    common::run(&again, default_sinks_in(first.path(), TimeZone::UTC));
    assert_eq!(tree(first.path()), before);
}

/// A sink that fails at its third event, and notes what reaches it.
struct Failing(Arc<Mutex<Vec<&'static str>>>);

impl Sink for Failing {
    fn name(&self) -> &'static str {
        "moon phases"
    }

    fn event(&mut self, _: &Event) -> Result<(), ReportError> {
        let mut seen = self.0.lock().unwrap();
        seen.push("event");
        match seen.len() {
            3 => Err(ReportError::Terminal {
                source: std::io::Error::other("clouds"),
            }),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, _: &Job) -> Result<(), ReportError> {
        self.0.lock().unwrap().push("finish");
        Ok(())
    }
}

#[test]
fn a_sink_that_fails_is_dropped_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::default();
    let mut pipeline = Pipeline::record(
        EventLog::create(dir.path()).unwrap(),
        vec![
            Box::new(Failing(Arc::clone(&seen))),
            Box::new(JsonResults::new(Path::new("/nonexistent/job"))),
            Box::new(Tap::new(dir.path())),
        ],
    );
    let events = every_status(JOB_DIR);
    for event in &events {
        pipeline.event(event).unwrap();
    }
    let dropped: Vec<_> = pipeline
        .finish()
        .iter()
        .map(|dropped| format!("{dropped}: {}", dropped.source))
        .collect();
    assert_eq!(
        dropped,
        [
            "no moon phases for this job: cannot write to the terminal",
            "no results.json for this job: cannot write /nonexistent/job/results.json"
        ]
    );
    assert_eq!(*seen.lock().unwrap(), ["event"; 3]);
    assert!(dir.path().join("results.tap").is_file());
    assert_eq!(recorded(dir.path()), events);
}

#[test]
fn no_event_leads_out_of_the_job() {
    let outer = tempfile::tempdir().unwrap();
    let job_dir = outer.path().join("job");
    fs::create_dir(&job_dir).unwrap();
    for dir in [
        "../outside",
        "/tmp/outside-of-the-job",
        "a/../../outside",
        "",
        HOSTILE,
    ] {
        let mut job = Script::new(JOB_DIR, 1);
        job.start(1, "test", dir);
        job.end(1, "test", dir, Status::Fail, Some("reason"), None);
        let mut pipeline = Pipeline::replay(default_sinks_in(&job_dir, TimeZone::UTC));
        for event in job.finish(false) {
            pipeline.event(&event).unwrap();
        }
        let dropped = pipeline.finish();
        assert!(dropped.iter().all(|dropped| dropped.sink == "test logs"));
        assert!(
            fs::read_to_string(job_dir.join("results.xml"))
                .unwrap()
                .contains("reason")
        );
        assert!(
            !fs::read_to_string(job_dir.join("results.html"))
                .unwrap()
                .contains("debug.log of")
        );
    }
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    assert!(!Path::new("/tmp/outside-of-the-job").exists());
}

#[test]
fn a_link_left_by_a_test_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "the secret of the host").unwrap();
    let job_dir = dir.path().join("job");
    let test_dir = job_dir.join("test-results/1-sly");
    fs::create_dir_all(&test_dir).unwrap();
    let mut job = Script::new(JOB_DIR, 1);
    job.start(1, "sly", "test-results/1-sly");
    job.end(
        1,
        "sly",
        "test-results/1-sly",
        Status::Fail,
        Some("reason"),
        None,
    );
    let mut pipeline = Pipeline::replay(default_sinks_in(&job_dir, TimeZone::UTC));
    for event in job.finish(false) {
        pipeline.event(&event).unwrap();
    }
    fs::remove_file(test_dir.join("debug.log")).unwrap();
    std::os::unix::fs::symlink(&secret, test_dir.join("debug.log")).unwrap();
    assert!(pipeline.finish().is_empty());
    for report in ["results.xml", "results.html"] {
        let text = fs::read_to_string(job_dir.join(report)).unwrap();
        assert!(!text.contains("the secret"), "{report}");
    }
    // Nor is it written through when the job is replayed.
    let mut tree = Tree::new(&job_dir, TimeZone::UTC);
    let mut job = Script::new(JOB_DIR, 1);
    job.start(1, "sly", "test-results/1-sly");
    assert!(job.events.iter().any(|event| tree.event(event).is_err()));
    assert_eq!(
        fs::read_to_string(&secret).unwrap(),
        "the secret of the host"
    );
}

#[test]
fn ten_thousand_tests_keep_one_small_record_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut pipeline = Pipeline::replay(vec![
        Box::new(JsonResults::new(dir.path())),
        Box::new(Tap::new(dir.path())),
    ]);
    let mut job = Script::new(JOB_DIR, 10_000);
    for number in 1..=10_000 {
        let dir = format!("test-results/{number}-t");
        job.start(number, "t", &dir);
        job.end(number, "t", &dir, Status::Pass, None, None);
    }
    for event in job.finish(false) {
        pipeline.event(&event).unwrap();
    }
    assert!(pipeline.finish().is_empty());
    let tap = fs::read_to_string(dir.path().join("results.tap")).unwrap();
    assert_eq!(tap.lines().count(), 10_001);
    assert!(tap.ends_with("ok 10000 t\n"));
}
