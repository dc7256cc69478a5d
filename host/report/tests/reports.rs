//! The reports of recorded jobs, as they are on disk.

mod common;

use common::{JOB_DIR, died, empty, every_status, reports};
use insta::assert_snapshot;
use quick_junit::Report;
use serde_json::Value;

#[test]
fn every_status_in_every_report() {
    let files = reports(&every_status(JOB_DIR));
    let names: Vec<_> = files
        .iter()
        .map(|(name, text)| match text.strip_prefix("->") {
            Some(_) => format!("{name} {text}"),
            None => name.clone(),
        })
        .collect();
    assert_snapshot!("tree", names.join("\n"));
    assert_snapshot!("job.log", files["job.log"]);
    assert_snapshot!("debug.log", files["test-results/01-boot/debug.log"]);
    assert_snapshot!(
        "debug.log_fail",
        files["test-results/02-migrate.tcp/debug.log"]
    );
    assert_snapshot!(
        "debug.log_hostile",
        files["test-results/03-_script_/debug.log"]
    );
    assert_snapshot!("debug.log_skip", files["test-results/04-skipped/debug.log"]);
    assert_snapshot!("results.json", files["results.json"]);
    assert_snapshot!("results.xml", files["results.xml"]);
    assert_snapshot!("results.tap", files["results.tap"]);
    assert_snapshot!("results.html", files["results.html"]);
    assert_eq!(files["id"], "c0ffee1427c51530ba2fcc37087c100917e1dd8a\n");
}

#[test]
fn a_job_whose_host_died_is_reported_in_full() {
    let files = reports(&died(JOB_DIR));
    assert_snapshot!("died.json", files["results.json"]);
    assert_snapshot!("died.xml", files["results.xml"]);
    assert_snapshot!("died.tap", files["results.tap"]);
    let notice = "The job did not come to its end: the host died before the job ended. 1 test has no result.";
    assert!(files["results.html"].contains(notice));
}

#[test]
fn a_job_without_tests_is_reported() {
    let files = reports(&empty(JOB_DIR));
    assert_snapshot!("empty.json", files["results.json"]);
    assert_snapshot!("empty.xml", files["results.xml"]);
    assert_snapshot!("empty.tap", files["results.tap"]);
    assert!(files["results.html"].contains("The job has no tests."));
}

#[test]
fn a_stream_without_a_single_event_is_reported() {
    let files = reports(&[]);
    assert_eq!(files["results.tap"], "1..0 # SKIP the job has no tests\n");
    Report::deserialize_from_str(&files["results.xml"]).unwrap();
    serde_json::from_str::<Value>(&files["results.json"]).unwrap();
}

#[test]
fn the_json_has_the_keys_of_the_reference() {
    let files = reports(&every_status(JOB_DIR));
    let results: Value = serde_json::from_str(&files["results.json"]).unwrap();
    for key in [
        "cancel",
        "debuglog",
        "errors",
        "failures",
        "interrupt",
        "job_id",
        "pass",
        "skip",
        "start",
        "tests",
        "time",
        "total",
        "warn",
        "schema",
    ] {
        assert!(results.get(key).is_some(), "{key}");
    }
    for key in [
        "id",
        "name",
        "status",
        "fail_reason",
        "logdir",
        "logfile",
        "tags",
        "time_start",
        "time_end",
        "actual_time_start",
        "actual_time_end",
        "time_elapsed",
        "whiteboard",
    ] {
        assert!(results["tests"][0].get(key).is_some(), "{key}");
    }
    assert_eq!(results["total"], 12);
    assert_eq!(results["tests"][1]["id"], "02-migrate.tcp");
}

#[test]
fn the_xml_parses_back() {
    let files = reports(&every_status(JOB_DIR));
    let report = Report::deserialize_from_str(&files["results.xml"]).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (12, 1, 2));
    let cases = &report.test_suites[0].test_cases;
    assert!(
        cases
            .iter()
            .all(|case| case.classname.as_deref() == Some("VirtTest"))
    );
    assert!(
        cases[1]
            .system_out
            .as_ref()
            .unwrap()
            .contains("the guest is slow")
    );
    assert_eq!(cases[0].system_out, None);
}

#[test]
fn a_long_log_is_quoted_in_part() {
    use vthost_metadata::{LogLevel, LogSource, Status};
    let mut job = common::Script::new(JOB_DIR, 1);
    let dir = "test-results/1-noisy";
    job.start(1, "noisy", dir);
    for line in 0..4000 {
        let text = format!("line {line} of many, many lines in the log of this noisy test");
        job.log(1, LogLevel::Debug, LogSource::Test, &text);
    }
    job.end(1, "noisy", dir, Status::Fail, Some("noise"), None);
    let files = reports(&job.finish(false));
    assert!(files["test-results/1-noisy/debug.log"].len() > 300_000);
    assert!(!files["job.log"].contains("line 5 of many"));
    let report = Report::deserialize_from_str(&files["results.xml"]).unwrap();
    let quoted = report.test_suites[0].test_cases[0]
        .system_out
        .as_ref()
        .unwrap();
    assert!((90_000..=100_000).contains(&quoted.chars().count()));
    assert!(quoted.contains("line 0 of") && quoted.contains("line 3999 of"));
    assert!(quoted.contains("bytes cut ]--"));
    assert!(files["results.html"].len() < 30_000);
}

#[test]
fn nothing_hostile_comes_to_life() {
    let files = reports(&every_status(JOB_DIR));
    let html = &files["results.html"];
    assert!(html.contains("&lt;script&gt;"));
    assert!(!html.to_lowercase().contains("<script"));
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for name in ["results.html", "results.xml", "results.tap", "job.log"] {
        let unsafe_char = files[name].chars().find(|c| {
            (c.is_control() && !"\n\t".contains(*c)) || matches!(c, '\u{202e}' | '\u{fffe}')
        });
        assert_eq!(unsafe_char, None, "{name}");
    }
    // Nothing of the pack's begins a line of its own where lines mean something.
    assert!(
        !files["results.tap"]
            .lines()
            .any(|line| line.starts_with("ok 9 forged"))
    );
    assert!(
        !files["job.log"]
            .lines()
            .any(|line| line.ends_with("host   | PASS forged") && line.starts_with("2026"))
    );
}
