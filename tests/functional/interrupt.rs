//! Ctrl-C.

use rustix::process::{Pid, Signal, kill_process};
use vthost_metadata::{EventKind, Phase, Status};
use vthost_tests::{Running, is_qemu, logged, pid};

fn interrupt(running: &Running) {
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

/// Waits until the test itself runs.
fn wait_for_run(running: &mut Running) {
    running.wait_for(|event| match &event.kind {
        EventKind::TestPhase(phase) if phase.phase == Phase::Run => Some(()),
        _ => None,
    });
}

#[test]
fn one_interrupt_ends_the_run_with_results() {
    let mut running = Running::start(
        &["tp-qemu", "fixture-nothing"],
        &["boot", "nothing", "sandbox"],
    );
    let qemu = running.wait_for(|event| pid(logged(event)?));
    wait_for_run(&mut running);
    assert!(is_qemu(qemu));
    interrupt(&running);
    let job = running.finish();
    assert_eq!(job.code, 8, "{}", job.stderr);
    assert!(!is_qemu(qemu), "qemu {qemu} is left");
    job.assert_statuses(&[Status::Interrupted, Status::Skip, Status::Skip]);
    assert!(job.events.iter().any(
        |event| matches!(&event.kind, EventKind::JobInterrupted(by) if by.signal == "SIGINT")
    ));
    let results: serde_json::Value = serde_json::from_str(&job.file("results.json")).unwrap();
    assert_eq!(results["tests"].as_array().unwrap().len(), 3);
    assert!(job.file("results.tap").contains("1..3"));
}

#[test]
fn an_interrupt_is_an_interrupt_without_a_machine_too() {
    for _ in 0..5 {
        let args = [
            "spin",
            "--extra-params",
            "test_timeout=3600",
            "--extra-params",
            "vms=",
        ];
        let mut running = Running::start(&["fixture-spin"], &args);
        wait_for_run(&mut running);
        interrupt(&running);
        let job = running.finish();
        assert_eq!((job.code, job.statuses()), (8, vec![Status::Interrupted]));
        let told =
            |event: &vthost_metadata::Event| matches!(event.kind, EventKind::JobInterrupted(_));
        assert_eq!(job.events.iter().filter(|event| told(event)).count(), 1);
    }
}

#[test]
fn an_interrupt_stops_guest_code_that_never_ends() {
    let mut running = Running::start(
        &["fixture-spin"],
        &["spin", "--extra-params", "test_timeout=3600"],
    );
    wait_for_run(&mut running);
    interrupt(&running);
    let job = running.finish();
    assert_eq!((job.code, job.statuses()), (8, vec![Status::Interrupted]));
    job.assert_clean(1);
}
