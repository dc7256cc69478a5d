//! The machines that parameters make: here the reference's own default machine.

mod keys;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use vthost_qemu::serial::Replay;
use vthost_qemu::{Binary, Machine, Paths};

use super::*;
use crate::context::user_data;

/// What the reference's configuration says of the machine of its test `boot` (JeOS, virtio disk and card), i440fx. The
/// card is on the user's network, as nobody can make bridges everywhere.
const REFERENCE: &[(&str, &str)] = &[
    ("auto_cpu_model", "yes"),
    ("boot_menu", "off"),
    ("boot_once", "c"),
    ("boot_order", "cdn"),
    ("boot_strict", "off"),
    ("catch_monitor", "catch_monitor"),
    ("cd_format", "ide"),
    ("cdroms", "cd1"),
    ("chardev_backend_qmpmonitor1", "unix_socket"),
    ("cpu_model_flags", ""),
    ("display", "vnc"),
    ("drive_format", "virtio"),
    ("drive_index_image1", "0"),
    ("drive_rerror_image1", ""),
    ("drive_werror_image1", ""),
    ("enable_debugcon", "yes"),
    ("enable_msix_vectors", "yes"),
    ("enable_pvpanic", "yes"),
    ("guest_port_remote_shell", "22"),
    ("image_format", "qcow2"),
    ("image_name", "images/jeos-12-x86_64"),
    ("image_raw_device", "no"),
    ("images", "image1"),
    ("inputs", ""),
    ("ioport_pvpanic", "0x505"),
    ("machine_type", "pc"),
    ("mem", "1024"),
    ("monitor_type", "qmp"),
    ("monitors", "qmpmonitor1"),
    ("nettype", "user"),
    ("nic_model", "virtio"),
    ("nics", "nic1"),
    ("redirs", "remote_shell"),
    ("rtc_base", "utc"),
    ("rtc_clock", "host"),
    ("serial_type", "isa-serial"),
    ("serials", "serial0"),
    ("smp", "2"),
    ("usb_controller", "ehci"),
    ("usb_devices", "tablet1"),
    ("usb_type", "ich9-usb-ehci1"),
    ("usb_type_usb1", "ich9-usb-ehci1"),
    ("usbdev_bus", "usb1.0"),
    ("usbdev_type_tablet1", "usb-tablet"),
    ("usbs", "usb1"),
    ("vcpu_books", "INVALID"),
    ("vcpu_clusters", "INVALID"),
    ("vcpu_drawers", "INVALID"),
    ("vga", "std"),
    ("vm_arch_name", "x86_64"),
];

/// What differs on q35.
const ON_Q35: &[(&str, &str)] = &[
    ("cd_format", "ahci"),
    ("machine_type", "q35"),
    ("pci_bus", "pci.0"),
    ("pcie_extra_root_port", "1"),
    ("usb_controller", "xhci"),
    ("usb_type", "qemu-xhci"),
    ("usb_type_usb1", "qemu-xhci"),
];

/// Parameters in which the later pairs win.
fn params(parts: &[&[(&str, &str)]]) -> Params {
    let mut all = std::collections::BTreeMap::new();
    for (key, value) in parts.iter().copied().flatten() {
        all.insert(*key, *value);
    }
    Params::from_pairs(all)
}

/// The options of the command line with their values, and those of them that are devices.
fn line(spec: &MachineSpec) -> (Vec<(String, String)>, Vec<Value>) {
    let binary = Binary::probe(None).expect("these tests need QEMU");
    let paths = Paths::new("/run/vthost", "/results").expect("absolute");
    let line = spec.command_line(&binary, &paths).expect("a command line");
    let args: Vec<String> = line
        .args(|_| 0)
        .into_iter()
        .map(|arg| arg.into_string().expect("text"))
        .collect();
    let pairs: Vec<_> = args
        .windows(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect();
    let devices = pairs
        .iter()
        .filter(|(option, _)| option == "-device")
        .map(|(_, text)| serde_json::from_str(text).expect("JSON"))
        .collect();
    (pairs, devices)
}

/// A directory of data with an empty file for the image.
fn data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("images")).expect("a directory");
    std::fs::write(dir.path().join("images/jeos-12-x86_64.qcow2"), "").expect("a file");
    dir
}

fn has(devices: &[Value], wanted: &Value) -> bool {
    let wanted = wanted.as_object().expect("a table");
    devices
        .iter()
        .any(|device| wanted.iter().all(|(key, value)| device[key] == *value))
}

#[test]
fn the_reference_machine_is_made() {
    let data = data();
    let spec = machine_spec("vm1", &params(&[REFERENCE]), data.path()).expect("a machine");
    let (options, devices) = line(&spec);
    let option = |name: &str, part: &str| {
        let found = options
            .iter()
            .any(|(option, value)| option == name && value.contains(part));
        assert!(found, "{name} {part} in {options:#?}");
    };
    option("-machine", "pc");
    option("-smp", "2,maxcpus=2,sockets=1,cores=2,threads=1");
    option("-m", "size=1024M");
    option("-rtc", "base=utc,clock=host");
    option("-boot", "order=cdn,once=c,menu=off,strict=off");
    option("-blockdev", r#""node-name":"file_image1""#);
    option(
        "-blockdev",
        r#""driver":"qcow2","node-name":"drive_image1","file":"file_image1""#,
    );
    option("-netdev", r#""type":"user""#);
    option("-netdev", r#"-:22"#);
    option("-mon", "mode=control");
    // The reference listens on a port; a socket is nobody else's.
    option("-vnc", "unix:");
    for wanted in [
        serde_json::json!({"driver": "VGA", "bus": "pci.0", "addr": "0x2"}),
        serde_json::json!({"driver": "pvpanic", "ioport": 0x505}),
        serde_json::json!({"driver": "isa-serial", "id": "serial0", "chardev": "chardev_serial0"}),
        serde_json::json!({"driver": "isa-debugcon", "iobase": 0x402}),
        serde_json::json!({"driver": "ich9-usb-ehci1", "id": "usb1", "addr": "0x1d.0x7", "bus": "pci.0"}),
        serde_json::json!({"driver": "ich9-usb-uhci1", "id": "usb1.0", "masterbus": "usb1.0", "addr": "0x1d.0x0", "firstport": 0}),
        serde_json::json!({"driver": "ich9-usb-uhci2", "id": "usb1.1", "addr": "0x1d.0x2", "firstport": 2}),
        serde_json::json!({"driver": "ich9-usb-uhci3", "id": "usb1.2", "addr": "0x1d.0x4", "firstport": 4}),
        serde_json::json!({"driver": "usb-tablet", "id": "usb-tablet1", "bus": "usb1.0", "port": "1"}),
        serde_json::json!({"driver": "virtio-blk-pci", "id": "image1", "drive": "drive_image1", "bus": "pci.0"}),
        serde_json::json!({"driver": "virtio-net-pci", "id": "nic1", "netdev": "netdev_nic1", "bus": "pci.0"}),
    ] {
        assert!(has(&devices, &wanted), "{wanted} in {devices:#?}");
    }
    // More than the reference has: a source of entropy and the port of the guest agent, with its controller. Less: the
    // second monitor for events (`catch_monitor`), since the one there is loses none.
    let drivers: Vec<_> = devices
        .iter()
        .map(|device| device["driver"].as_str().unwrap_or(""))
        .collect();
    for more in ["virtio-rng-pci", "virtio-serial-pci", "virtserialport"] {
        assert!(drivers.contains(&more), "{drivers:?}");
    }
    assert_eq!(devices.len(), 14, "{drivers:?}");
}

#[test]
fn the_reference_machine_on_q35() {
    let data = data();
    let spec = machine_spec("vm1", &params(&[REFERENCE, ON_Q35]), data.path()).expect("a machine");
    let (_, devices) = line(&spec);
    let bus = |id: &str| {
        let device = devices.iter().find(|device| device["id"] == id);
        device.expect(id)["bus"].as_str().expect("text").to_owned()
    };
    assert_eq!(bus("video0"), "pcie.0");
    let mut ports = vec![bus("image1"), bus("nic1"), bus("usb1")];
    assert!(
        ports.iter().all(|port| port.starts_with("pcie-root-port-")),
        "{ports:?}"
    );
    ports.sort();
    ports.dedup();
    assert_eq!(ports.len(), 3, "each has a port of its own");
    let spare = devices.iter().filter(|device| {
        device["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("pcie_extra_root_port_"))
    });
    assert_eq!(spare.count(), 1);
    assert!(has(
        &devices,
        &serde_json::json!({"driver": "qemu-xhci", "id": "usb1"})
    ));
}

/// The guest image is needed: `vthost bootstrap` makes it.
#[tokio::test]
async fn the_reference_machine_boots() {
    let binary = Binary::probe(None).expect("these tests need QEMU");
    let prompt = regex::bytes::Regex::new("login:").expect("an expression");
    for machine in [&[][..], ON_Q35] {
        let own: &[(&str, &str)] = &[("image_snapshot", "yes"), ("mem", "512")];
        let params = params(&[REFERENCE, machine, own]);
        let spec = machine_spec("vm1", &params, &user_data()).expect("a machine");
        let dir = tempfile::tempdir().expect("a directory");
        let paths = Paths::new(dir.path().join("run"), dir.path().join("logs")).expect("absolute");
        let machine = Machine::start(spec, &binary, paths).await;
        let machine = machine.unwrap_or_else(|error| panic!("it did not start: {error:#?}"));
        let mut console = machine
            .serial("serial0")
            .expect("a console")
            .subscribe(Replay::All);
        machine.cont().await.expect("it runs");
        let login = console.wait_for(&prompt, Duration::from_secs(240)).await;
        login.unwrap_or_else(|error| panic!("no login: {error}"));
        machine.destroy().await.expect("it ends");
    }
}
