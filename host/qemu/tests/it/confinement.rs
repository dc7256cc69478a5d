//! What QEMU cannot do, and that it cannot stay behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Bench, LONG, alive, bare, wait_gone};
use serde_json::json;
use vthost_qemu::spec::{Drive, MachineSpec};
use vthost_qemu::{Landlock, Machine};

async fn add_file(
    machine: &Machine,
    node: &str,
    file: &str,
    read_only: bool,
) -> Result<(), String> {
    let arguments =
        json!({ "driver": "file", "node-name": node, "filename": file, "read-only": read_only });
    machine
        .qmp()
        .execute("blockdev-add", arguments)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn files_outside_of_the_machine_are_out_of_reach() {
    let bench = Bench::new();
    let outside = bench.path().join("outside.raw");
    fs::write(&outside, vec![0; 4096]).expect("a file");
    let outside = outside.display().to_string();
    let machine = bench.started(bench.bootable("vm1")).await;
    assert!(machine.confinement().seccomp);
    if machine.confinement().landlock == Landlock::Unavailable {
        println!("the kernel of this host is without Landlock: nothing to test");
        return;
    }
    for (node, file) in [
        ("passwd", "/etc/passwd"),
        ("outside", &outside),
        ("own-log", "/proc/self/environ"),
    ] {
        let error = add_file(&machine, node, file, true).await.expect_err(file);
        assert!(error.contains("Permission denied"), "{file}: {error}");
    }
    // What it may: its own directory.
    let inside = machine.paths().run_dir().join("hot.raw");
    fs::write(&inside, vec![0; 4096]).expect("a file");
    add_file(&machine, "inside", &inside.display().to_string(), false)
        .await
        .expect("allowed");
    // Not even a new file elsewhere.
    let target = bench.path().join("dump");
    let arguments = json!({ "filename": target, "format": "png" });
    machine.cont().await.expect("runs");
    machine
        .qmp()
        .execute("screendump", arguments)
        .await
        .expect_err("denied");
    assert!(!target.exists());
}

#[tokio::test]
async fn a_read_only_image_cannot_be_opened_for_writing() {
    let bench = Bench::new();
    let mut spec = bench.bootable("vm1");
    spec.drives = spec
        .drives
        .into_iter()
        .map(|drive| Drive {
            snapshot: true,
            ..drive
        })
        .collect();
    let machine = bench.started(spec).await;
    let disk = bench.path().join("boot.raw").display().to_string();
    add_file(&machine, "again-ro", &disk, true)
        .await
        .expect("reading is allowed");
    if machine.confinement().landlock == Landlock::Enforced {
        let error = add_file(&machine, "again-rw", &disk, false)
            .await
            .expect_err("writing is not");
        assert!(error.contains("Permission denied"), "{error}");
    }
}

#[tokio::test]
async fn no_program_can_be_started() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    let proof = machine.paths().run_dir().join("proof");
    let uri = format!("exec:touch {}", proof.display());
    // QEMU answers with an error, or the kernel kills it for trying.
    let answer = machine
        .qmp()
        .execute_within("migrate", json!({ "uri": uri }), Duration::from_secs(10))
        .await;
    let _ = machine.wait_exit(Duration::from_millis(500)).await;
    assert!(!proof.exists(), "{answer:?}");
    machine.destroy().await.expect("ends");
}

#[tokio::test]
async fn confinement_can_be_switched_off() {
    let bench = Bench::new();
    let machine = bench
        .started(MachineSpec {
            sandbox: false,
            ..bare("vm1")
        })
        .await;
    assert_eq!(machine.confinement().landlock, Landlock::Off);
    assert!(!machine.confinement().seccomp);
    add_file(&machine, "passwd", "/etc/passwd", true)
        .await
        .expect("allowed");
}

/// `PR_SET_PDEATHSIG` belongs to the thread that forks: a machine has to survive the thread that asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_outlives_the_thread_that_started_it() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Handle::current();
    let machine = std::thread::scope(|scope| {
        let bench = &bench;
        let started = scope.spawn(move || runtime.block_on(bench.started(bare("vm1"))));
        started.join().expect("no panic")
    });
    assert_eq!(machine.wait_exit(Duration::from_millis(300)).await, None);
    assert!(
        machine
            .qmp()
            .human("info status")
            .await
            .expect("answers")
            .contains("prelaunch")
    );
}

/// This test runs itself as a child, which starts a machine and is killed without a chance to clean up.
#[test]
fn a_machine_dies_with_this_process() {
    let bench = Bench::new();
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "confinement::start_a_machine_and_wait_for_death",
            "--ignored",
            "--nocapture",
        ])
        // What the child leaves behind is removed with this test's directory.
        .env("TMPDIR", bench.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let pid = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            line.rsplit_once("machine-pid=")
                .and_then(|(_, pid)| pid.trim().parse::<u32>().ok())
        })
        .expect("the child starts a machine");
    assert!(alive(pid));
    child.kill().expect("killed");
    child.wait().expect("reaped");
    wait_gone(pid);
}

#[tokio::test]
#[ignore = "a helper of a_machine_dies_with_this_process, which runs it in a process of its own"]
async fn start_a_machine_and_wait_for_death() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    println!("machine-pid={}", machine.pid());
    machine.wait_exit(LONG).await;
}
