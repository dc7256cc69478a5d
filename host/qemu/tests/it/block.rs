//! Drives of a running machine: media, snapshots, exports, limits.

use std::fs;

use serde_json::Value;
use vthost_qemu::MachineError;
use vthost_qemu::block::{NbdExport, NewMedium, NewNode, Overlay, StopExport, Throttle};
use vthost_qemu::spec::{Drive, DriveFormat, DriveInterface, MachineSpec, MachineType};

use crate::common::{Bench, LONG, bare};
use crate::disk::{MIB, holds, overlay, qemu_img, with_disk, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_fails_leaves_nothing() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    let good = overlay(&bench, "snap1");
    let unknown = Overlay {
        device: "disk9".to_owned(),
        ..overlay(&bench, "snap2")
    };
    let error = machine
        .live_snapshot(&[good.clone(), unknown])
        .await
        .expect_err("no such drive");
    assert_eq!(
        error.to_string(),
        "machine \"vm1\" has no drive \"disk9\"; it has: disk1"
    );
    assert!(!good.path.exists());
    fs::write(&good.path, b"mine").expect("a file");
    let error = machine.live_snapshot(std::slice::from_ref(&good)).await;
    assert!(matches!(error, Err(MachineError::File { .. })), "{error:?}");
    assert_eq!(fs::read(&good.path).expect("a file"), b"mine");
    assert_eq!(
        machine.root_node("disk1").await.expect("there"),
        "drive_disk1"
    );
    let nodes = machine.block_nodes().await.expect("listed");
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_machine_is_saved_in_its_image() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    machine.cont().await.expect("runs");
    write(&machine, 1, 0).await;
    let save = machine.save_snapshot("clean").await.expect("started");
    save.wait(&machine, LONG).await.expect("saved");
    let snapshots = machine.snapshots().await.expect("listed");
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].name, "clean");
    assert!(snapshots[0].vm_state_size > 0);
    write(&machine, 2, 0).await;
    let load = machine.load_snapshot("clean").await.expect("started");
    load.wait(&machine, LONG).await.expect("loaded");
    assert!(holds(&machine, 1, 0).await);
    let running = |state: &_| *state == vthost_qemu::MachineState::Running;
    machine
        .wait_for_state("running", LONG, running)
        .await
        .expect("as it was saved");
    let delete = machine.delete_snapshot("clean").await.expect("started");
    delete.wait(&machine, LONG).await.expect("deleted");
    assert_eq!(machine.snapshots().await.expect("listed"), []);
    let load = machine.load_snapshot("clean").await.expect("started");
    let error = load.wait(&machine, LONG).await.expect_err("gone");
    assert!(
        error
            .to_string()
            .contains("failed: Snapshot 'clean' does not exist"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_exported_to_other_programs() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    write(&machine, 1, 0).await;
    let socket = machine.start_nbd().await.expect("listens");
    let export = NbdExport {
        id: "export1".to_owned(),
        node: "drive_disk1".to_owned(),
        name: Some("disk".to_owned()),
        writable: false,
        bitmaps: Vec::new(),
    };
    machine.add_export(&export).await.expect("offered");
    let exports = machine.exports().await.expect("listed");
    assert_eq!(
        (exports.len(), exports[0].node.as_str()),
        (1, "drive_disk1")
    );
    let address = format!("nbd+unix:///disk?socket={}", socket.display());
    let info = qemu_img(&["info", "--output=json", &address]);
    let info: Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!(info["virtual-size"], 16 * MIB);
    machine
        .remove_export("export1", StopExport::Hard, LONG)
        .await
        .expect("ends");
    assert_eq!(machine.exports().await.expect("listed"), []);
    machine.stop_nbd().await.expect("stops");
    machine.start_nbd().await.expect("can be started again");
    machine.destroy().await.expect("ends");
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn drives_are_resized_throttled_measured_and_watched() {
    let bench = Bench::new();
    let machine = with_disk(&bench).await;
    machine
        .resize_node("drive_disk1", 32 * MIB)
        .await
        .expect("larger");
    let medium = machine.block_device("disk1").await.expect("there").medium;
    assert_eq!(medium.expect("a disk").virtual_size, 32 * MIB);
    let limits = Throttle {
        bps: 100 * MIB,
        ..Throttle::default()
    };
    machine.throttle("disk1", limits).await.expect("limited");
    let both = Throttle {
        bps_rd: 1,
        ..limits
    };
    machine
        .throttle("disk1", both)
        .await
        .expect_err("exclude each other");
    machine
        .throttle("disk1", Throttle::default())
        .await
        .expect("free again");
    machine
        .set_latency_histogram("disk1", &[1000, 1_000_000])
        .await
        .expect("measured");

    machine
        .set_write_threshold("drive_disk1", 4 * MIB)
        .await
        .expect("watched");
    let since = machine.qmp().cursor();
    write(&machine, 1, 3).await;
    write(&machine, 1, 4).await;
    let beyond = machine
        .wait_write_threshold("drive_disk1", since, LONG)
        .await
        .expect("told");
    assert_eq!((beyond.threshold, beyond.exceeded), (4 * MIB, MIB));
    let stats = machine.block_stats().await.expect("counted");
    let stats = stats.get("disk1").expect("there");
    assert!(stats.failed_wr_operations == 0, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disc_is_changed_and_ejected() {
    let bench = Bench::new();
    let disc = |name: &str, size: u64| {
        // Outside of what QEMU may open.
        let path = bench.path().join(name);
        fs::write(&path, vec![0; usize::try_from(size).expect("small")]).expect("a disc");
        path
    };
    let first = disc("first.iso", MIB);
    let second = disc("second.iso", 2 * MIB);
    let spec = MachineSpec {
        machine: MachineType::pc(),
        drives: vec![Drive::cdrom("cd1", &first, DriveInterface::Ide)],
        ..bare("vm1")
    };
    let machine = bench.started(spec).await;
    let medium = NewMedium {
        path: second.clone(),
        format: DriveFormat::Raw,
        read_only: true,
    };
    let cd = async || machine.block_device("cd1").await.expect("there");
    let since = machine.qmp().cursor();
    machine
        .change_medium("cd1", &medium, false)
        .await
        .expect("changed");
    let inside = cd().await.medium.expect("a disc");
    assert_eq!(inside.file, second.display().to_string());
    assert_eq!((inside.virtual_size, inside.read_only), (2 * MIB, true));
    assert!(
        machine
            .wait_tray("cd1", since, LONG)
            .await
            .expect("opens first")
    );
    machine
        .change_medium("cd1", &medium, true)
        .await
        .expect("the same again");
    machine.eject("cd1", true).await.expect("ejected");
    assert_eq!(cd().await.medium, None);
    let sets = machine.qmp().execute("query-fdsets", Value::Null).await;
    assert_eq!(
        sets.expect("asked"),
        serde_json::json!([]),
        "all are closed"
    );

    machine.open_tray("cd1", false).await.expect("opens");
    assert_eq!(cd().await.tray_open, Some(true));
    let node = NewNode {
        read_only: true,
        ..NewNode::new("disc1", &first, DriveFormat::Raw)
    };
    machine.add_node(&node).await.expect("added");
    machine
        .insert_medium("cd1", "disc1")
        .await
        .expect("inserted");
    machine.close_tray("cd1").await.expect("closes");
    let inside = cd().await;
    assert_eq!(inside.tray_open, Some(false));
    assert_eq!(inside.medium.expect("a disc").node, "disc1");
    machine
        .remove_medium("cd1")
        .await
        .expect_err("the tray is closed");
    machine.open_tray("cd1", false).await.expect("opens");
    machine.remove_medium("cd1").await.expect("taken out");
    machine.delete_node("disc1").await.expect("unused");

    let missing = NewMedium {
        path: bench.path().join("missing.iso"),
        ..medium
    };
    let error = machine
        .change_medium("cd1", &missing, true)
        .await
        .expect_err("missing");
    assert!(matches!(error, MachineError::File { .. }), "{error}");
}
