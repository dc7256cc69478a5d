//! Every family of devices, accepted by the real QEMU: each device of the command line is there under its id.

mod drives;
mod network;
mod small;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use vthost_qemu::spec::{
    AccelChoice, Aio, Cache, DetectZeroes, Display, Drive, DriveFormat, DriveInterface,
    ErrorPolicy, Filesystem, FsDriver, Iommu, MachineSpec, MachineType, Memory, MemoryBackend,
    MemoryDevice, MemoryModel, MemorySource, Monitor, MonitorKind, Netdev, Nic, NumaDistance,
    NumaNode, PciAddress, Rng, RngSource, ScsiHba, Serial, SerialKind, Smbios, ThrottleGroup, Tpm,
    TpmBackend, UsbController, UsbDevice, UsbModel, UsbVersion, Vga, Watchdog, WatchdogAction,
};
use vthost_qemu::{Machine, MachineState};

use crate::common::{Bench, LONG, bare};

/// A machine of that type without the defaults, so that each test sees what it adds.
fn plain(machine: &str) -> MachineSpec {
    MachineSpec {
        machine: machine.parse().expect("a machine type"),
        rng: false,
        guest_agent: false,
        serials: Vec::new(),
        ..bare("vm1")
    }
}

/// Ids of the devices of the command line.
fn expected(machine: &Machine) -> BTreeSet<String> {
    let args = machine.command_line().args(|_| 0);
    let devices = args.windows(2).filter(|pair| pair[0] == "-device");
    devices
        .filter_map(|pair| {
            let device: Value = serde_json::from_str(pair[1].to_str()?).ok()?;
            Some(device["id"].as_str()?.to_owned())
        })
        .collect()
}

/// Starts it, looks whether all its devices are there, and gives it back.
async fn accepted(bench: &Bench, spec: MachineSpec) -> Machine {
    let machine = bench.started(spec).await;
    assert_eq!(
        machine.state().await.expect("it answers"),
        MachineState::Prelaunch
    );
    let listed = machine
        .qmp()
        .execute("qom-list", json!({"path": "/machine/peripheral"}))
        .await
        .expect("a list");
    let there: BTreeSet<String> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["name"].as_str().map(str::to_owned))
        .collect();
    let expected = expected(&machine);
    let missing: Vec<_> = expected.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} of {expected:?}");
    machine
}

async fn ended(machine: Machine) {
    let exit = machine.destroy().await.expect("it ends");
    assert!(exit.leftovers.is_empty(), "{:?}", exit.leftovers);
}

fn raw(bench: &Bench, id: &str, interface: DriveInterface) -> Drive {
    let path = bench.path().join(format!("{id}.raw"));
    let file = std::fs::File::create(&path).expect("a file");
    file.set_len(4 << 20).expect("room");
    Drive::disk(id, path, DriveFormat::Raw, interface)
}

fn qemu_img(args: &[&str]) {
    let done = Command::new("qemu-img").args(args).output();
    let done = done.expect("qemu-img");
    assert!(done.status.success(), "{done:?}");
}

fn usb(id: &str, model: UsbModel) -> UsbController {
    UsbController {
        ports: Some(6),
        id: id.to_owned(),
        model,
        address: None,
    }
}
