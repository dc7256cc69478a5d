//! A machine with a disk, and what is on it.

use std::path::Path;
use std::process::Command;

use vthost_qemu::Machine;
use vthost_qemu::block::{JobOptions, Mirror, MirrorSync, NbdExport, NewNode, Overlay, StopExport};
use vthost_qemu::spec::{Drive, DriveFormat, DriveInterface, MachineSpec};

use crate::common::{Bench, LONG, bare};

pub(crate) const MIB: u64 = 1 << 20;

/// A machine with one empty qcow2 disk of 16 MiB in its run directory.
pub(crate) async fn with_disk(bench: &Bench) -> Machine {
    bench.paths().create().expect("directories");
    let disk = bench.paths().run_dir().join("disk.qcow2");
    qemu_img(&[
        "create",
        "-q",
        "-f",
        "qcow2",
        disk.to_str().expect("UTF-8"),
        "16M",
    ]);
    let drive = Drive::disk("disk1", disk, DriveFormat::Qcow2, DriveInterface::VirtioBlk);
    bench
        .started(MachineSpec {
            drives: vec![drive],
            ..bare("vm1")
        })
        .await
}

pub(crate) fn qemu_img(args: &[&str]) -> String {
    let output = Command::new("qemu-img")
        .args(args)
        .output()
        .expect("these tests need qemu-img");
    assert!(
        output.status.success(),
        "qemu-img {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Writes through the device, as the guest would. (The monitor's `qemu-io` prints to QEMU's log and tells no failures;
/// what was written shows when it is read.)
pub(crate) async fn write(machine: &Machine, pattern: u8, at_mib: u64) {
    let device = "/machine/peripheral/disk1/virtio-backend";
    let line = format!("qemu-io -d {device} \"write -P {pattern} {at_mib}M 1M\"");
    machine.qmp().human(&line).await.expect("answered");
}

/// Whether the disk has this pattern there: read through an export of its node.
pub(crate) async fn holds(machine: &Machine, pattern: u8, at_mib: u64) -> bool {
    let socket = machine.start_nbd().await.expect("listens");
    let export = NbdExport {
        id: "look".to_owned(),
        node: machine.root_node("disk1").await.expect("there"),
        name: Some("look".to_owned()),
        writable: false,
        bitmaps: Vec::new(),
    };
    machine.add_export(&export).await.expect("offered");
    let address = format!("nbd+unix:///look?socket={}", socket.display());
    let address = address.as_str().as_ref();
    let read = tokio::task::block_in_place(|| read(address, "raw", pattern, at_mib));
    machine
        .remove_export("look", StopExport::Hard, LONG)
        .await
        .expect("ends");
    machine.stop_nbd().await.expect("stops");
    read
}

/// The same of an image that no machine uses.
pub(crate) fn image_holds(image: &Path, pattern: u8, at_mib: u64) -> bool {
    read(image, "qcow2", pattern, at_mib)
}

pub(crate) fn read(image: &Path, format: &str, pattern: u8, at_mib: u64) -> bool {
    let command = format!("read -P {pattern} {at_mib}M 1M");
    let output = Command::new("qemu-io")
        .args(["-r", "-f", format, "-c", &command])
        .arg(image)
        .output()
        .expect("these tests need qemu-io");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("read 1048576/1048576"), "{said}");
    !said.contains("Pattern verification failed")
}

pub(crate) fn overlay(bench: &Bench, node: &str) -> Overlay {
    Overlay {
        device: "disk1".to_owned(),
        node: node.to_owned(),
        path: bench.paths().run_dir().join(format!("{node}.qcow2")),
    }
}

pub(crate) async fn target(machine: &Machine, bench: &Bench, name: &str) -> NewNode {
    // Outside of the run directory: it is handed over.
    let path = bench.path().join(format!("{name}.qcow2"));
    let node = NewNode::new(name, path, DriveFormat::Qcow2);
    machine.create_node(&node, 16 * MIB).await.expect("made");
    node
}

pub(crate) fn mirror_to(node: String, target: &str) -> Mirror {
    Mirror {
        node,
        target: target.to_owned(),
        sync: MirrorSync::Full,
        write_blocking: false,
        replaces: None,
        job: JobOptions::default(),
    }
}
