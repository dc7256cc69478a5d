//! Who gets which place, and who is told that it is taken.

use super::*;
use crate::spec::{PciAddress, ScsiHba, UsbController, UsbModel, UsbVersion};

fn layout(name: &str) -> Layout {
    let arch = if name == "virt" {
        Arch::Aarch64
    } else {
        Arch::X86_64
    };
    Layout::new(&MachineType::parse(name, arch).expect("a machine type"))
}

fn at(element: &Element, key: &str) -> String {
    element.props()[key].as_str().expect("text").to_owned()
}

#[test]
fn a_pc_gives_slots_in_order_and_skips_what_is_wanted() {
    let mut layout = layout("pc");
    layout
        .reserve("nic2", Some(PciAddress::slot(4)))
        .expect("it is free");
    let mut places = Vec::new();
    for id in ["disk1", "disk2", "disk3"] {
        let device = layout.virtio("virtio-blk", id, None).expect("a place");
        assert_eq!(device.driver(), Some("virtio-blk-pci"));
        assert_eq!(at(&device, "bus"), "pci.0");
        places.push(at(&device, "addr"));
    }
    assert_eq!(places, ["0x2", "0x3", "0x5"]);
    let nic = layout
        .virtio("virtio-net", "nic2", Some(PciAddress::slot(4)))
        .expect("its own place");
    assert_eq!(at(&nic, "addr"), "0x4");
}

#[test]
fn a_double_use_names_both() {
    let mut layout = layout("pc");
    let place = Some(PciAddress::slot(5));
    layout.virtio("virtio-blk", "disk1", place).expect("free");
    let error = layout
        .virtio("virtio-net", "nic1", place)
        .expect_err("taken");
    assert_eq!(
        error.to_string(),
        "nic1 wants address 0x5 of pci.0, which is taken by disk1; give one of them another place"
    );
    let board = layout
        .virtio("virtio-net", "nic1", Some(PciAddress::function(1, 2)))
        .expect_err("the board has it");
    assert!(board.to_string().contains("taken by the PIIX3"), "{board}");
    let mut units = Vec::new();
    for unit in [Some(0), None, None] {
        units.push(layout.ide(false, None, unit, "disk").expect("a place"));
    }
    let shown: Vec<_> = units
        .iter()
        .map(|(bus, unit)| (bus.as_str(), *unit))
        .collect();
    assert_eq!(shown, [("ide.0", 0), ("ide.0", 1), ("ide.1", 0)]);
    let error = layout
        .ide(false, Some(0), Some(1), "cd1")
        .expect_err("taken");
    assert!(
        error.to_string().contains("cd1 wants unit 1 of ide"),
        "{error}"
    );
    let error = layout.ide(false, None, Some(7), "cd1").expect_err("beyond");
    assert_eq!(
        error.to_string(),
        "cd1 wants unit 7 of ide, which has 0 to 3 only"
    );
}

#[test]
fn what_is_plugged_in_gets_a_spare_port_and_gives_it_back() {
    let mut layout = layout("q35");
    layout.virtio("virtio-blk", "disk1", None).expect("a port");
    layout.seal(1).expect("there is room");
    assert_eq!(layout.elements().len(), 2);
    let plugged = layout
        .virtio("virtio-net", "nic1", None)
        .expect("the spare");
    assert_eq!(at(&plugged, "bus"), "pcie_extra_root_port_0");
    let error = layout
        .virtio("virtio-net", "nic2", None)
        .expect_err("none left");
    assert!(error.to_string().contains("spare root port"), "{error}");
    layout.release("nic1");
    layout
        .virtio("virtio-net", "nic2", None)
        .expect("free again");
    assert_eq!(layout.elements().len(), 2, "nothing was added");
}

#[test]
fn plain_pci_devices_share_a_bridge_on_a_machine_with_pci_express() {
    let mut layout = layout("q35");
    for id in ["nic1", "nic2"] {
        let nic = layout
            .pci_device("rtl8139", id, PciKind::Legacy, None)
            .expect("a place");
        assert_eq!(at(&nic, "bus"), "pcie-pci-bridge-0");
    }
    let drivers: Vec<_> = layout
        .elements()
        .iter()
        .map(|element| element.driver().expect("a device").to_owned())
        .collect();
    assert_eq!(drivers, ["pcie-root-port", "pcie-pci-bridge"]);
}

#[test]
fn scsi_targets_and_units_are_counted() {
    let mut layout = layout("pc");
    let mut scsi = |target, lun, user| layout.scsi(None, None, target, lun, user, None);
    assert_eq!(scsi(None, 0, "a").expect("a place").1, 0);
    assert_eq!(scsi(None, 0, "b").expect("a place").1, 1);
    assert_eq!(scsi(Some(0), 1, "c").expect("another unit of it").2, 1);
    let error = scsi(Some(1), 0, "d").expect_err("taken");
    assert!(
        error
            .to_string()
            .contains("lun 0 of target 1 of virtio_scsi_pci0.0"),
        "{error}"
    );
    for _ in 0..7 {
        layout
            .scsi(Some(ScsiHba::Lsi), None, None, 0, "x", None)
            .expect("it has seven");
    }
    let error = layout
        .scsi(Some(ScsiHba::Lsi), None, None, 0, "y", None)
        .expect_err("not eight");
    assert!(
        error.to_string().contains("no target of lsi53c895a0.0"),
        "{error}"
    );
    assert_eq!(layout.elements().len(), 2);
}

#[test]
fn usb_ports_belong_to_controllers_that_are_fast_enough() {
    let mut layout = layout("pc");
    let mut add = |id: &str, model| {
        let controller = UsbController {
            ports: None,
            id: id.to_owned(),
            model,
            address: None,
        };
        layout.usb_controller(&controller).expect("a place").len()
    };
    assert_eq!(add("usb1", UsbModel::Piix3Uhci), 1);
    assert_eq!(add("usb2", UsbModel::Ich9Ehci), 4);
    let mut port = |user: &str, version| layout.usb_port(user, None, version, None);
    assert_eq!(
        port("tablet", UsbVersion::One).expect("a port"),
        ("usb1.0".to_owned(), 1)
    );
    assert_eq!(
        port("kbd", UsbVersion::One).expect("a port"),
        ("usb1.0".to_owned(), 2)
    );
    assert_eq!(
        port("mouse", UsbVersion::One).expect("a port"),
        ("usb2.0".to_owned(), 1)
    );
    assert_eq!(
        port("stick", UsbVersion::Two).expect("a port"),
        ("usb2.0".to_owned(), 2)
    );
    let error = port("ssd", UsbVersion::Three).expect_err("too slow");
    assert!(
        error.to_string().contains("controller for version Three"),
        "{error}"
    );
    let error = layout
        .usb_port("stick", Some("usb9"), UsbVersion::One, None)
        .expect_err("no such controller");
    assert!(
        error.to_string().contains(r#"controller "usb9""#),
        "{error}"
    );
}

#[test]
fn other_machines_attach_virtio_their_own_way() {
    let driver = |name: &str, arch| {
        let machine = MachineType::parse(name, arch).expect("a machine type");
        let device = Layout::new(&machine).virtio("virtio-blk", "disk1", None);
        device.expect("a place").driver().map(str::to_owned)
    };
    let some = |name: &str| Some(name.to_owned());
    assert_eq!(driver("microvm", Arch::X86_64), some("virtio-blk-device"));
    assert_eq!(driver("virt", Arch::Riscv64), some("virtio-blk-pci"));
    assert_eq!(
        driver("arm64-mmio:virt", Arch::X86_64),
        some("virtio-blk-device")
    );
    assert_eq!(
        driver("s390-ccw-virtio", Arch::S390x),
        some("virtio-blk-ccw")
    );
    let error = layout("microvm")
        .pci_device("nvme", "disk1", PciKind::Express, None)
        .expect_err("no PCI");
    assert!(
        error.to_string().contains("machine type microvm"),
        "{error}"
    );
    let mut virt = layout("virt");
    let port = virt.virtio("virtio-blk", "disk1", None).expect("a port");
    assert_eq!(at(&port, "bus"), "pcie-root-port-0");
}
