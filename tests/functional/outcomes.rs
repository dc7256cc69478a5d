//! However a test ends: the right status, a clean machine, and the next test runs.

use vthost_metadata::Status;
use vthost_tests::{Job, run};

/// Runs tests of a fixture pack, and one that passes after each pack.
fn outcome(fixture: &str, tests: &[&str]) -> Job {
    let filters: Vec<String> = tests
        .iter()
        .map(|test| format!("{fixture}.{test}"))
        .collect();
    let mut args: Vec<&str> = filters.iter().map(String::as_str).collect();
    args.push("fixture-nothing.nothing");
    let job = run(&[fixture, "fixture-nothing"], &args);
    assert_eq!(
        job.statuses().last(),
        Some(&Status::Pass),
        "the next test runs"
    );
    job.assert_clean(tests.len());
    job
}

#[track_caller]
fn assert_end(job: &Job, at: usize, status: Status, reason: &str) {
    let end = job.ends()[at];
    assert_eq!(end.status, status, "{end:?}");
    let found = end.reason.as_deref().unwrap_or_default();
    assert!(found.contains(reason), "`{found}` does not tell `{reason}`");
}

#[test]
fn fail() {
    let job = outcome("fixture-fail", &["fail"]);
    assert_end(&job, 0, Status::Fail, "the answer is 41");
    assert_eq!(job.ends()[0].detail.as_deref(), Some("expected 42"));
    assert_eq!(job.code, 1);
}

#[test]
fn error() {
    let job = outcome("fixture-error", &["error", "no_such_machine"]);
    assert_end(&job, 0, Status::Error, "invalid digit found in string");
    assert_end(
        &job,
        1,
        Status::Error,
        "there is no machine `nobody` (vms = avocado-vt-vm1)",
    );
    assert_eq!(job.code, 1);
}

#[test]
fn cancel() {
    let job = outcome("fixture-cancel", &["cancel"]);
    assert_end(&job, 0, Status::Cancel, "there is no second disk");
    assert_eq!(job.code, 0);
}

#[test]
fn skip() {
    let job = outcome("fixture-skip", &["skip"]);
    assert_end(&job, 0, Status::Skip, "not on a Sunday");
    assert_eq!(job.code, 0);
}

#[test]
fn warn() {
    let job = outcome("fixture-warn", &["warn"]);
    assert_end(&job, 0, Status::Warn, "it took longer than usual");
    assert_eq!(job.code, 0);
}

#[test]
fn panic() {
    let job = outcome("fixture-panic", &["panic", "exit", "recurse"]);
    assert_end(&job, 0, Status::Error, "panic: a name without digits (at ");
    // WASI 0.2 knows success and failure, and no more.
    assert_end(
        &job,
        1,
        Status::Error,
        "the test ended its program with exit code 1",
    );
    assert_end(&job, 2, Status::Error, "the test overran its stack");
}

#[test]
fn endless_loop() {
    let job = outcome("fixture-spin", &["spin", "spin_in_calls"]);
    for at in 0..2 {
        assert_end(&job, at, Status::Error, "limit:deadline");
    }
}

#[test]
fn endless_allocation() {
    let job = outcome("fixture-alloc", &["alloc"]);
    assert_end(&job, 0, Status::Error, "limit:memory");
}

#[test]
fn endless_handles() {
    let job = outcome("fixture-alloc", &["hoard_handles"]);
    assert_end(&job, 0, Status::Error, "limit:handles");
}

#[test]
fn endless_log() {
    let job = outcome("fixture-alloc", &["flood_log"]);
    assert_eq!(job.statuses()[0], Status::Pass);
    assert!(job.log().contains("limit:log"));
    assert!(job.log().len() < 11 << 20);
}

#[test]
fn blocked_in_the_host() {
    let job = outcome("fixture-block", &["block", "sleep"]);
    for at in 0..2 {
        assert_end(&job, at, Status::Error, "limit:deadline");
    }
}

#[test]
fn a_machine_that_cannot_be_made_is_an_error_of_its_test() {
    let job = run(
        &["fixture-fail", "fixture-nothing"],
        &[
            "fixture-fail",
            "fixture-nothing.nothing",
            "--extra-params",
            "mem=0",
        ],
    );
    job.assert_statuses(&[Status::Error, Status::Pass]);
    assert!(job.reasons()[0].contains("mem"), "{:?}", job.reasons());
}
