//! The main job: tests in real guests, and what a job leaves.

use regex::Regex;
use vthost_metadata::Status;
use vthost_tests::{output, pack, run, vthost};

#[test]
fn five_tests_pass_in_real_guests() {
    let results = tempfile::tempdir().unwrap();
    let printed = output(
        vthost()
            .arg("run")
            .arg("--results")
            .arg(results.path())
            .arg("--provider")
            .arg(pack("tp-qemu"))
            .args(["boot", "uptime", "reboot", "shutdown", "qmp_basic"]),
    );
    assert_eq!(printed.code, 0, "{}{}", printed.stdout, printed.stderr);
    let expected = Regex::new(
        r"(?x)\A
        JOB\ ID\ {5}:\ [0-9a-f]{40}\n
        JOB\ LOG\ {4}:\ \S+/job-\d{4}-\d\d-\d\dT\d\d\.\d\d-[0-9a-f]{7}/job\.log\n
        \ \(1/5\)\ tp-qemu\.boot:\ PASS\ \(\d+\.\d+\ s\)\n
        \ \(2/5\)\ tp-qemu\.uptime:\ PASS\ \(\d+\.\d+\ s\)\n
        \ \(3/5\)\ tp-qemu\.reboot:\ PASS\ \(\d+\.\d+\ s\)\n
        \ \(4/5\)\ tp-qemu\.shutdown:\ PASS\ \(\d+\.\d+\ s\)\n
        \ \(5/5\)\ tp-qemu\.qmp_basic:\ PASS\ \(\d+\.\d+\ s\)\n
        RESULTS\ {4}:\ PASS\ 5\ \|\ ERROR\ 0\ \|\ FAIL\ 0\ \|\ SKIP\ 0\ \|\ WARN\ 0\ \|\ INTERRUPT\ 0\ \|\ CANCEL\ 0\n
        JOB\ HTML\ {3}:\ \S+/results\.html\n
        JOB\ TIME\ {3}:\ \d+\.\d+\ s\n\z",
    )
    .unwrap();
    assert!(expected.is_match(&printed.stdout), "{}", printed.stdout);

    let job = results.path().join("latest");
    for file in [
        "id",
        "job.log",
        "events.jsonl",
        "results.json",
        "results.xml",
        "results.tap",
        "results.html",
    ] {
        assert!(
            job.join(file).metadata().is_ok_and(|meta| meta.len() > 0),
            "{file}"
        );
    }
    let test = job.join("test-results/2-tp-qemu.uptime");
    let debug = std::fs::read_to_string(test.join("debug.log")).unwrap();
    assert!(
        debug.contains("guest uptime result is:") && debug.contains("load average"),
        "{debug}"
    );
    for file in [
        "serial-avocado-vt-vm1.log",
        "qemu-avocado-vt-vm1.cmdline",
        "qmp-avocado-vt-vm1.jsonl",
    ] {
        assert!(
            test.join(file).metadata().is_ok_and(|meta| meta.len() > 0),
            "{file}"
        );
    }
    assert!(
        job.join("test-results/by-status/PASS/2-tp-qemu.uptime/debug.log")
            .exists()
    );
}

#[test]
fn the_other_machine_and_the_other_ways_down_and_up() {
    let job = run(
        &["tp-qemu"],
        &[
            "system_reset",
            "system_powerdown",
            "boot",
            "--machine-type",
            "q35",
        ],
    );
    job.assert_statuses(&[Status::Pass; 3]);
    assert!(
        job.file("test-results/1-tp-qemu.system_reset/qemu-avocado-vt-vm1.cmdline")
            .contains("q35")
    );
    job.assert_clean(3);
}
