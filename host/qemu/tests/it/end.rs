//! How machines end, or do not even begin: refusals, kills, hangs, drops.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::common::{Bench, LONG, alive, bare, wait_gone};
use serde_json::Value;
use vthost_qemu::spec::{HostForward, MachineSpec, Netdev, Nic};
use vthost_qemu::{MachineState, QmpError, StartError};

#[tokio::test]
async fn a_start_that_qemu_refuses_quotes_it() {
    let bench = Bench::new();
    let spec = MachineSpec {
        extra_args: vec!["-no-such-option".to_owned()],
        ..bare("vm1")
    };
    let error = bench.start(spec).await.expect_err("refused");
    assert!(matches!(error, StartError::Exited { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("-no-such-option: invalid option"),
        "{message}"
    );
    // A port that is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = taken.local_addr().expect("an address").port();
    let netdev = Netdev::User {
        forwards: vec![HostForward {
            host: Some(host),
            guest: 22,
        }],
        restrict: false,
        options: vthost_qemu::spec::UserNet::default(),
    };
    let spec = MachineSpec {
        nics: vec![Nic {
            netdev,
            ..Nic::virtio_user("nic1", &[])
        }],
        ..bare("vm2")
    };
    let message = bench.start(spec).await.expect_err("refused").to_string();
    assert!(
        message.contains("Could not set up host forwarding rule"),
        "{message}"
    );
    // A specification that is wrong starts nothing.
    let error = bench
        .start(MachineSpec {
            memory_mib: 0,
            ..bare("vm3")
        })
        .await
        .expect_err("refused");
    assert!(matches!(error, StartError::Spec { .. }), "{error}");
    assert!(!bench.paths().log("vm3").exists());
}

#[tokio::test]
async fn a_stuck_qemu_is_killed() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    let pid = rustix::process::Pid::from_raw(machine.pid().cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("stopped");
    let begun = Instant::now();
    let error = machine
        .qmp()
        .execute_within("stop", Value::Null, Duration::from_millis(100))
        .await;
    assert!(matches!(error, Err(QmpError::Timeout { .. })), "{error:?}");
    let exit = machine.destroy().await.expect("killed");
    assert!(!exit.status.success(), "{exit:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_killed_qemu_is_noticed_by_everybody() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    let qmp = machine.qmp().clone();
    let waiting = tokio::spawn(async move { qmp.wait_event("SHUTDOWN", 0, LONG).await });
    let pid = rustix::process::Pid::from_raw(machine.pid().cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    assert!(matches!(
        waiting.await.expect("no panic"),
        Err(QmpError::Closed)
    ));
    let exit = machine.wait_exit(LONG).await.expect("ended");
    assert!(
        matches!(machine.state().await.expect("known"), MachineState::Exited(status) if status == exit.status)
    );
}

#[tokio::test]
async fn a_dropped_machine_is_gone() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    let (pid, qmp) = (machine.pid(), machine.qmp().clone());
    drop(machine);
    let closed = qmp.wait_event("NEVER", 0, LONG).await;
    assert!(matches!(closed, Err(QmpError::Closed)), "{closed:?}");
    // It closes its descriptors a moment before it counts as dead.
    wait_gone(pid);
}

#[tokio::test]
async fn the_power_button_is_pressed_and_a_deaf_guest_is_an_error() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    let before = machine.qmp().cursor();
    let error = machine
        .shutdown(Duration::from_secs(1))
        .await
        .expect_err("the boot sector does not listen");
    assert_eq!(
        error.to_string(),
        "machine \"vm1\" still runs 1 s after the power button was pressed"
    );
    machine
        .qmp()
        .wait_event("POWERDOWN", before, LONG)
        .await
        .expect("the button was pressed");
    assert!(machine.destroy().await.expect("ends").status.success());
}

/// Not even the end of the runtime leaves a process behind.
#[test]
fn a_machine_ends_with_its_runtime() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let machine = runtime.block_on(bench.started(bare("vm1")));
    let pid = machine.pid();
    drop(runtime);
    assert!(!alive(pid));
    drop(machine);
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    let bench = Bench::new();
    for delay in [0, 1, 5, 10, 20] {
        let start = bench.start(bench.bootable("vm1"));
        let given_up = tokio::time::timeout(Duration::from_millis(delay), start).await;
        drop(given_up);
    }
    let others = || {
        let text = |pid: &str| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mine = bench.path().display().to_string();
        let pids = std::fs::read_dir("/proc")
            .expect("readable")
            .flatten()
            .map(|entry| entry.file_name());
        let pids: Vec<String> = pids.filter_map(|pid| pid.into_string().ok()).collect();
        pids.into_iter()
            .filter(|pid| pid.parse::<u32>().is_ok_and(alive))
            .filter(|pid| String::from_utf8_lossy(&text(pid)).contains(&format!("{mine}/boot.raw")))
            .collect::<Vec<_>>()
    };
    let begun = Instant::now();
    while !others().is_empty() {
        assert!(begun.elapsed() < LONG, "left behind: {:?}", others());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_directory_that_is_open_to_others_is_refused() {
    let bench = Bench::new();
    let run_dir = bench.path().join("run");
    std::fs::create_dir(&run_dir).expect("a directory");
    std::fs::set_permissions(&run_dir, std::fs::Permissions::from_mode(0o755)).expect("changed");
    let error = bench.start(bare("vm1")).await.expect_err("refused");
    let source = std::error::Error::source(&error)
        .expect("a source")
        .to_string();
    assert_eq!(
        error.to_string(),
        "cannot prepare its directories for machine \"vm1\""
    );
    assert!(
        source.contains("is open to other users (mode 755)"),
        "{source}"
    );
}
