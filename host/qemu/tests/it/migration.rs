//! Migration of real machines on this host. The guest is a boot sector that echoes: it answers where it runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use vthost_qemu::migration::{MigrationOptions, MigrationPhase, Transport};
use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{Drive, MachineSpec, Nic};
use vthost_qemu::{Machine, MachineError, MachineState};

use crate::common::{Bench, LONG, bare, binary};
use crate::life::signal;

async fn running(bench: &Bench) -> Arc<Machine> {
    let spec = MachineSpec {
        nics: vec![Nic::virtio_user("nic1", &[22])],
        ..bench.bootable("vm1")
    };
    let machine = bench.started(spec).await;
    machine.cont().await.expect("runs");
    machine
        .serial("serial0")
        .expect("the default console")
        .subscribe(Replay::All)
        .wait_for_bytes(b"boot sector\r\n> ", LONG)
        .await
        .expect("the sector boots");
    Arc::new(machine)
}

async fn destination(source: &Machine) -> Arc<Machine> {
    match source.start_destination(&binary()).await {
        Ok(machine) => Arc::new(machine),
        Err(error) => panic!("the destination did not start: {error:#?}"),
    }
}

/// The guest lives here: it echoes.
async fn answers(machine: &Machine) {
    let serial = machine.serial("serial0").expect("the default console");
    let mut output = serial.subscribe(Replay::None);
    serial.write(b"hello").expect("typed");
    output
        .wait_for_bytes(b"hello", LONG)
        .await
        .expect("the guest echoes");
}

async fn there(source: &Arc<Machine>, options: &MigrationOptions) -> Arc<Machine> {
    let target = destination(source).await;
    let migration = source.migrate(&target, options).await.expect("begins");
    let (target, status) = match migration.finish(LONG).await {
        Ok(done) => done,
        Err(error) => panic!("{options:?}: {error}"),
    };
    assert_eq!(status.phase, MigrationPhase::Completed);
    assert!(
        status.ram.transferred > 0 && status.downtime.is_some(),
        "{status:?}"
    );
    assert!(source.exit().is_some(), "the source is ended");
    target
}

fn over(transport: Transport) -> MigrationOptions {
    MigrationOptions {
        transport,
        ..MigrationOptions::default()
    }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn the_guest_goes_there_and_back_over_every_transport() {
    let bench = Bench::new();
    let mut machine = running(&bench).await;
    let first = machine.pid();
    let pipeline = vec![command(&["gzip", "-1", "-c"]), command(&["gzip", "-dc"])];
    let transports = [
        Transport::Unix,
        Transport::Tcp,
        Transport::Fd,
        Transport::Exec(Vec::new()),
        Transport::Exec(pipeline),
    ];
    for (n, transport) in transports.into_iter().enumerate() {
        let begun = Instant::now();
        let port = machine.host_port(22);
        machine = there(&machine, &over(transport.clone())).await;
        println!("{transport:?}: {:?}", begun.elapsed());
        assert_eq!(machine.state().await.expect("known"), MachineState::Running);
        answers(&machine).await;
        assert_eq!(machine.name(), "vm1");
        assert_ne!(machine.host_port(22), None);
        assert_ne!(machine.host_port(22), port, "the source had that one");
        let log = bench
            .paths()
            .log_dir()
            .join(format!("serial-vm1@{}.log", n + 1));
        let log = std::fs::read(&log).expect("a log of its own");
        assert!(log.ends_with(b"hello"), "{}", log.escape_ascii());
    }
    assert_ne!(machine.pid(), first);
    machine.destroy().await.expect("ends");
    let left = std::fs::read_dir(bench.paths().run_dir()).expect("a directory");
    let left: Vec<PathBuf> = left.flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "nothing is left");
}

#[tokio::test]
async fn what_is_asked_for_is_used() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let many = MigrationOptions {
        multifd: Some(2),
        auto_converge: true,
        downtime_limit: Some(1000),
        ..over(Transport::Tcp)
    };
    let machine = there(&machine, &many).await;
    let compressed = MigrationOptions {
        xbzrle: true,
        max_bandwidth: Some(1 << 30),
        ..over(Transport::Unix)
    };
    let machine = there(&machine, &compressed).await;
    answers(&machine).await;

    // Refusals name what is refused, and the guest stays where it is.
    let mut odd = over(Transport::Unix);
    odd.capabilities.insert("no-such-thing".to_owned(), true);
    let target = destination(&machine).await;
    let error = machine.migrate(&target, &odd).await.expect_err("unknown");
    let source = std::error::Error::source(&error).expect("QEMU's words");
    assert!(source.to_string().contains("no-such-thing"), "{source}");
    answers(&machine).await;
}

#[tokio::test]
async fn a_paused_guest_arrives_paused() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    machine.stop().await.expect("pauses");
    let machine = there(&machine, &over(Transport::Unix)).await;
    assert_eq!(machine.state().await.expect("known"), MachineState::Paused);
    machine.cont().await.expect("runs");
    answers(&machine).await;
}

#[tokio::test]
async fn postcopy_hands_over_first_and_sends_later() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let options = MigrationOptions {
        postcopy: true,
        // So slow that it does not end before it is switched.
        max_bandwidth: Some(4096),
        ..over(Transport::Unix)
    };
    let target = destination(&machine).await;
    let mut migration = machine.migrate(&target, &options).await.expect("begins");
    migration.start_postcopy(LONG).await.expect("switched");
    let running = |state: &MachineState| *state == MachineState::Running;
    target
        .wait_for_state("running", LONG, running)
        .await
        .expect("the guest is there");
    let status = migration.wait(LONG).await.expect("done");
    assert_eq!(status.phase, MigrationPhase::Completed);
    let names: Vec<_> = migration
        .events()
        .into_iter()
        .map(|event| event.data["status"].clone())
        .collect();
    assert!(
        names.iter().any(|name| name == "postcopy-active"),
        "{names:?}"
    );
    answers(&target).await;
}

#[tokio::test]
async fn a_slow_migration_is_told_sped_up_and_cancelled() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let slow = MigrationOptions {
        max_bandwidth: Some(4096),
        ..over(Transport::Unix)
    };
    let target = destination(&machine).await;
    let mut migration = machine.migrate(&target, &slow).await.expect("begins");
    let short = Duration::from_millis(300);
    let error = migration.wait(short).await.expect_err("far too slow");
    let message = error.to_string();
    assert!(
        message.contains("did not migrate: it is not over after 0.3 s: it is active, ")
            && message.contains(" MiB left"),
        "{message}"
    );
    migration.cancel().await.expect("cancelled");
    assert_eq!(machine.state().await.expect("known"), MachineState::Running);
    answers(&machine).await;
    target.destroy().await.expect("ends");

    // Another try, with a new destination; faster in the middle of it.
    let target = destination(&machine).await;
    let migration = machine.migrate(&target, &slow).await.expect("begins");
    let fast = serde_json::json!({ "max-bandwidth": 1_u64 << 30 });
    machine.set_migration_parameters(fast).await.expect("set");
    let (machine, _) = migration.finish(LONG).await.expect("done");
    answers(&machine).await;
}

#[tokio::test]
async fn the_end_of_either_side_is_noticed_at_once() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let slow = MigrationOptions {
        max_bandwidth: Some(4096),
        ..over(Transport::Unix)
    };
    let target = destination(&machine).await;
    let mut migration = machine.migrate(&target, &slow).await.expect("begins");
    signal(&target, Signal::KILL);
    let begun = Instant::now();
    let error = migration.wait(LONG * 10).await.expect_err("killed");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let message = error.to_string();
    assert!(
        message.contains("the destination says:") && message.contains("signal: 9"),
        "{message}"
    );
    // The source noticed it, too, and the guest runs on.
    answers(&machine).await;

    let target = destination(&machine).await;
    let mut migration = machine.migrate(&target, &slow).await.expect("begins");
    signal(&machine, Signal::KILL);
    let begun = Instant::now();
    let error = migration.wait(LONG * 10).await.expect_err("killed");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert!(error.is_ended(), "{error:?}");
}

#[tokio::test]
async fn commands_that_fail_are_named() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let target = destination(&machine).await;
    let missing = over(Transport::Exec(vec![command(&["no-such-program"])]));
    let error = machine
        .migrate(&target, &missing)
        .await
        .expect_err("missing");
    assert!(
        error.to_string().contains("cannot start `no-such-program`"),
        "{error}"
    );
    let target = destination(&machine).await;
    let broken = over(Transport::Exec(vec![command(&[
        "gzip",
        "--no-such-option",
    ])]));
    let mut migration = machine.migrate(&target, &broken).await.expect("begins");
    let error = migration.wait(LONG).await.expect_err("broken");
    let message = error.to_string();
    assert!(message.contains("unrecognized option"), "{message}");
    answers(&machine).await;
}

#[tokio::test]
async fn a_machine_is_saved_to_a_file_and_restored() {
    for (n, commands) in [
        (1, [Vec::new(), Vec::new()]),
        (
            2,
            [
                vec![command(&["gzip", "-1", "-c"])],
                vec![command(&["gzip", "-dc"])],
            ],
        ),
    ] {
        let [pack, unpack] = commands;
        let bench = Bench::new();
        let machine = running(&bench).await;
        let file = bench.path().join(format!("state{n}"));
        let status = machine.save_state(&file, &pack, LONG).await.expect("saved");
        assert_eq!(status.phase, MigrationPhase::Completed);
        let length = std::fs::metadata(&file).expect("a file").len();
        assert!(length > 10_000, "{length}");
        let restored = destination(&machine).await;
        machine.destroy().await.expect("ends");
        restored
            .restore_state(&file, &unpack, LONG)
            .await
            .expect("restored");
        assert_eq!(restored.state().await.expect("known"), MachineState::Paused);
        restored.cont().await.expect("runs");
        answers(&restored).await;
        let error = restored
            .save_state(&file, &pack, LONG)
            .await
            .expect_err("exists");
        assert!(matches!(error, MachineError::File { .. }), "{error}");
        answers(&restored).await;
    }
}

#[tokio::test]
async fn the_clone_has_what_is_in_the_drives_now() {
    let bench = Bench::new();
    let machine = running(&bench).await;
    let overlay = vthost_qemu::block::Overlay {
        device: "disk1".to_owned(),
        node: "snap1".to_owned(),
        path: bench.paths().run_dir().join("snap1.qcow2"),
    };
    machine
        .live_snapshot(std::slice::from_ref(&overlay))
        .await
        .expect("taken");
    let spec = machine.destination_spec().await.expect("cloned");
    assert_eq!(spec.drives[0].path, overlay.path);
    assert_eq!(spec.drives[0].backing, [bench.path().join("boot.raw")]);
    let machine = there(&machine, &over(Transport::Unix)).await;
    answers(&machine).await;
    let medium = machine.block_device("disk1").await.expect("there").medium;
    assert_eq!(
        medium.expect("a disk").file,
        overlay.path.display().to_string()
    );

    // What nobody else can see cannot go over.
    let disk = machine.spec().drives[0].clone();
    let spec = MachineSpec {
        drives: vec![Drive {
            snapshot: true,
            path: bench.disk(),
            format: vthost_qemu::spec::DriveFormat::Raw,
            ..disk
        }],
        ..bare("vm2")
    };
    let lonely = bench.started(spec).await;
    let error = lonely.destination_spec().await.expect_err("throws away");
    assert!(
        error.to_string().contains("drive disk1 cannot migrate"),
        "{error}"
    );
}
