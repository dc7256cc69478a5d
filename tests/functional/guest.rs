//! Sessions, jobs, consoles and machines, through the whole stack.

use std::process::Command;

use vthost_metadata::Status;
use vthost_tests::{Running, logged, run};

#[test]
fn everything_that_a_pack_can_do_with_a_guest() {
    let job = run(
        &["fixture-guest"],
        &["commands", "image", "jobs", "serial", "machine"],
    );
    job.assert_statuses(&[Status::Pass; 5]);
    job.assert_clean(5);
    let screen = job
        .dir()
        .join("test-results/5-fixture-guest.machine/screendump-avocado-vt-vm1-1.png");
    assert!(std::fs::read(screen).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn resets_and_logins_that_do_not_come() {
    let job = run(
        &["fixture-guest"],
        &["reset", "impatient", "impatient", "impatient"],
    );
    job.assert_statuses(&[Status::Pass; 4]);
    job.assert_clean(4);
}

#[test]
fn a_guest_moves_to_machines_that_wait_for_it() {
    let job = run(&["fixture-guest"], &["arrive"]);
    job.assert_statuses(&[Status::Pass]);
    job.assert_clean(4);
}

#[test]
fn the_guest_can_be_visited_with_the_key() {
    let mut running = Running::start(&["fixture-guest"], &["visit"]);
    let port = running.wait_for(|event| Some(logged(event)?.strip_prefix("port ")?.to_owned()));
    // ssh refuses a key that others can read, and git does not keep modes.
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../deps/jeos/id_ed25519");
    std::fs::copy(committed, &key).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
    let ssh = Command::new("ssh")
        .args([
            "-p",
            &port,
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
        ])
        .args([
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
            "-i",
        ])
        .arg(&key)
        .args(["root@127.0.0.1", "echo by key > /tmp/visited"])
        .output()
        .unwrap();
    assert!(
        ssh.status.success(),
        "{}",
        String::from_utf8_lossy(&ssh.stderr)
    );
    let job = running.finish();
    job.assert_statuses(&[Status::Pass]);
    assert!(job.log().contains("visited by key"), "{}", job.log());
}
