//! Something goes wrong in the middle of a test: QEMU is killed or stopped, the disk is full, the network is cut, the guest
//! dies, vthost itself is killed. A test then ends soon, says why, and leaves nothing behind.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use vthost_metadata::{EventKind, Phase, Status};
use vthost_tests::{Job, Running, binary, is_qemu, logged, pack, pid, run};

/// From the fault to the end of the job: far less than what the tests wait for, and enough for a busy machine.
const SOON: Duration = Duration::from_secs(120);

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Runs a test of the fixture until its moment has come, does something to its machine, and gives the job with the reason
/// of the test.
fn fault(variant: &str, args: &[&str], what: Signal) -> (Job, String) {
    let args: Vec<&str> = [&[variant], args].concat();
    let mut running = Running::start(&["fixture-faults"], &args);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    running.wait_for(|event| logged(event)?.starts_with("now:").then_some(()));
    signal(qemu, what);
    ended(running)
}

fn ended(running: Running) -> (Job, String) {
    let begun = Instant::now();
    let job = running.finish();
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    job.assert_statuses(&[Status::Error]);
    for pid in job.pids() {
        assert!(!is_qemu(pid), "qemu {pid} is left");
    }
    let reason = job.reasons()[0].to_owned();
    (job, reason)
}

/// QEMU is killed; whoever waits hears of it at once, and which signal it was.
#[track_caller]
fn killed(variant: &str) {
    let (_, reason) = fault(variant, &[], Signal::KILL);
    assert!(
        reason.contains("signal: 9") || reason.contains("signal 9") || reason.contains("SIGKILL"),
        "{reason}"
    );
}

#[test]
fn qemu_is_killed_under_a_command() {
    killed("command");
}

#[test]
fn qemu_is_killed_under_a_dialogue() {
    killed("dialogue");
}

#[test]
fn qemu_is_killed_under_a_wait_for_an_event() {
    killed("event");
}

#[test]
fn qemu_is_killed_under_a_wait_for_the_console() {
    killed("console");
}

/// A test that wanted nothing else of its machine would pass.
#[test]
fn qemu_is_killed_and_the_test_is_content() {
    let (_, reason) = fault("off", &[], Signal::KILL);
    assert!(reason.contains("postprocess: QEMU of"), "{reason}");
    assert!(reason.contains("signal: 9"), "{reason}");
}

#[test]
fn qemu_is_killed_under_a_block_job() {
    killed("block_job");
}

#[test]
fn qemu_is_killed_under_a_migration() {
    killed("migration");
}

#[test]
fn qemu_is_killed_under_a_transfer() {
    killed("transfer");
}

/// At each phase before the test itself: while the guest boots, right after QEMU was started.
#[test]
fn qemu_is_killed_while_its_guest_boots() {
    let mut running = Running::start(&["tp-qemu"], &["boot"]);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    signal(qemu, Signal::KILL);
    let (_, reason) = ended(running);
    assert!(reason.contains("avocado-vt-vm1"), "{reason}");
}

/// A graceful end waits for a guest that is no more.
#[test]
fn qemu_is_killed_in_postprocess() {
    let args = [
        "boot",
        "--extra-params",
        "kill_vm_gracefully=yes",
        "--extra-params",
        "kill_timeout=600",
    ];
    let mut running = Running::start(&["tp-qemu"], &args);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    running.wait_for(|event| match &event.kind {
        EventKind::TestPhase(phase) if phase.phase == Phase::Postprocess => Some(()),
        _ => None,
    });
    // It may be over already: then there is nothing to kill.
    if is_qemu(qemu) {
        signal(qemu, Signal::KILL);
    }
    let begun = Instant::now();
    let job = running.finish();
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    assert!(!is_qemu(qemu));
    assert!(
        matches!(job.statuses()[0], Status::Pass | Status::Error),
        "{:?}",
        job.reasons()
    );
}

/// A stopped QEMU answers nothing; the deadline of the test ends the wait, and a stopped process can be ended.
#[test]
fn qemu_is_stopped_under_a_command() {
    let args = ["--extra-params", "test_timeout=30"];
    let (_, reason) = fault("command", &args, Signal::STOP);
    assert!(reason.contains("limit:deadline"), "{reason}");
}

#[test]
fn qemu_is_stopped_while_its_guest_boots() {
    let args = ["boot", "--extra-params", "login_timeout=20"];
    let mut running = Running::start(&["tp-qemu"], &args);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    signal(qemu, Signal::STOP);
    let (_, reason) = ended(running);
    assert!(reason.contains("avocado-vt-vm1"), "{reason}");
}

#[test]
fn a_kernel_that_panics_ends_what_waits_for_it() {
    let begun = Instant::now();
    let job = run(&["fixture-faults"], &["panic"]);
    job.assert_statuses(&[Status::Error]);
    job.assert_clean(1);
    let told = job.log();
    assert!(
        told.contains("panic") || job.reasons()[0].contains("panic"),
        "{:?}\n{told}",
        job.reasons()
    );
    assert!(begun.elapsed() < 2 * SOON, "it took {:?}", begun.elapsed());
}

/// A guest without a system on its disk never answers; the error says how far the login came.
#[test]
fn a_guest_that_never_answers() {
    let args = [
        "boot",
        "--extra-params",
        "login_timeout=15",
        "--extra-params",
        "image_name_image1=images/empty",
        "--extra-params",
        "force_create_image_image1=yes",
        "--extra-params",
        "image_size_image1=64M",
    ];
    let job = run(&["tp-qemu"], &args);
    job.assert_statuses(&[Status::Error]);
    job.assert_clean(1);
    let reason = job.reasons()[0];
    assert!(reason.contains("cannot log in"), "{reason}");
}

#[test]
fn the_network_is_cut_under_a_transfer() {
    let job = run(&["fixture-faults"], &["transfer_cut"]);
    job.assert_statuses(&[Status::Pass]);
    job.assert_clean(1);
}

#[test]
fn fifty_commands_at_once() {
    let job = run(&["fixture-faults"], &["parallel"]);
    job.assert_statuses(&[Status::Pass]);
    job.assert_clean(1);
}

/// The file system that the overlays are on has room for a few megabytes only. It is a real one: a mount of its own, in a
/// name space of its own, which needs root.
#[test]
fn the_disk_under_the_image_is_full() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let results = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=96m none /var/tmp && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(binary())
        .args(["run", "--results"])
        .arg(results.path())
        .arg("--provider")
        .arg(pack("fixture-faults"))
        .arg("full_disk")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
}

/// A command on the host goes on when its vthost is killed; the next job ends it.
#[test]
fn vthost_is_killed_while_it_runs_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let (note, told) = (dir.path().join("note"), dir.path().join("told"));
    let stay = format!(
        "pre_command=(sleep 1000; true) & echo $! > {}; mv {0} {}; wait",
        note.display(),
        told.display()
    );
    let args = ["nothing", "--extra-params", "vms=", "--extra-params", &stay];
    let running = Running::start(&["fixture-nothing"], &args);
    let end = Instant::now() + SOON;
    while !told.exists() {
        assert!(Instant::now() < end, "the command does not start");
        std::thread::yield_now();
    }
    let shell = std::fs::read_to_string(told).unwrap();
    let shell = PathBuf::from("/proc").join(shell.trim());
    running.kill();
    assert!(
        shell.exists(),
        "it ended with vthost: nothing is left to end"
    );
    run(&["fixture-nothing"], &["nothing"]).assert_statuses(&[Status::Pass]);
    let end = Instant::now() + SOON;
    while shell.exists() {
        assert!(Instant::now() < end, "{} is left", shell.display());
        std::thread::yield_now();
    }
}

/// Nothing of a job that is killed goes on, and the next job clears away what is left of it.
#[test]
fn vthost_is_killed() {
    let mut running = Running::start(&["fixture-faults"], &["command"]);
    let qemu = running.wait_for(|event| pid(logged(event)?));
    running.wait_for(|event| logged(event)?.starts_with("now:").then_some(()));
    let dir = std::fs::read_link(format!("/proc/{qemu}/cwd")).unwrap();
    assert!(dir.exists());
    running.kill();
    let end = Instant::now() + SOON;
    while is_qemu(qemu) {
        assert!(Instant::now() < end, "qemu {qemu} outlives vthost");
        std::thread::yield_now();
    }
    let job = run(&["fixture-nothing"], &["nothing"]);
    job.assert_statuses(&[Status::Pass]);
    assert!(!dir.exists(), "{} is left", dir.display());
}
