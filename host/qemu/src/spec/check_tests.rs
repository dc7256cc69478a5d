//! Every rule of a specification, with the message it gives.

use super::*;
use crate::spec::{
    DirectKernel, Drive, DriveFormat, DriveInterface, HostForward, Netdev, Nic, UserNet,
};

/// The message for a machine changed by `change`.
fn complaint(change: impl FnOnce(&mut MachineSpec)) -> String {
    let mut spec = MachineSpec::new("vm1");
    change(&mut spec);
    spec.check()
        .expect_err("the specification is wrong")
        .to_string()
}

fn disk(id: &str) -> Drive {
    Drive::disk(
        id,
        "/dev/null/image",
        DriveFormat::Raw,
        DriveInterface::VirtioBlk,
    )
}

#[test]
fn the_default_machine_is_valid() {
    MachineSpec::new("vm1")
        .check()
        .expect("the default is valid");
}

#[test]
fn names_are_fit_for_file_names() {
    for name in [
        "",
        "../vm1",
        ".vm",
        "-vm",
        "vm 1",
        "vm,1",
        "vm\n1",
        &"x".repeat(65),
    ] {
        let message = complaint(|spec| spec.name = name.to_owned());
        assert!(
            message.starts_with("machine name ") && message.contains("it has to begin"),
            "{message}"
        );
    }
}

#[test]
fn numbers_are_in_range() {
    assert_eq!(
        complaint(|spec| spec.memory_mib = 0),
        r#"memory is "0 MiB", but a machine needs at least 1 MiB; set the memory size"#
    );
    for smp in [
        Smp {
            cpus: 0,
            ..Smp::cpus(1)
        },
        Smp {
            cpus: 3,
            ..Smp::cpus(2)
        },
        Smp {
            cores: u32::MAX,
            sockets: 2,
            ..Smp::cpus(1)
        },
    ] {
        assert!(
            complaint(|spec| spec.smp = smp).starts_with("smp is "),
            "{smp:?}"
        );
    }
}

#[test]
fn ids_are_unique_and_well_formed() {
    let message = complaint(|spec| spec.drives = vec![disk("serial0")]);
    assert_eq!(
        message,
        r#"id "serial0" is used twice in machine "vm1"; give every drive, nic and serial an id of its own"#
    );
    assert!(complaint(|spec| spec.drives = vec![disk("rng0")]).contains("used twice"));
    for id in [
        "0disk",
        "disk,file=/etc/shadow",
        "disk=1",
        "",
        "pcie_extra_root_port_0",
    ] {
        assert!(
            complaint(|spec| spec.drives = vec![disk(id)]).starts_with("drive id "),
            "{id}"
        );
    }
}

#[test]
fn files_have_to_be_there_and_be_files() {
    let message = complaint(|spec| spec.drives = vec![disk("image1")]);
    assert_eq!(
        message,
        "drive image1: cannot open /dev/null/image for writing; create the file, correct its path or its permissions"
    );
    let directory = Drive {
        path: "/tmp".into(),
        read_only: true,
        ..disk("image1")
    };
    assert!(
        complaint(|spec| spec.drives = vec![directory]).contains("cannot open /tmp for reading")
    );
    let kernel = DirectKernel {
        kernel: "/nonexistent".into(),
        initrd: None,
        append: None,
    };
    assert!(
        complaint(|spec| spec.kernel = Some(kernel))
            .starts_with("kernel: cannot open /nonexistent")
    );
}

#[test]
fn an_ide_disk_is_writable() {
    let disk = Drive {
        interface: DriveInterface::Ide,
        read_only: true,
        ..disk("image1")
    };
    assert_eq!(
        complaint(|spec| spec.drives = vec![disk]),
        r#"interface of drive image1 is "ide", but QEMU has no read-only ide disks; use virtio-blk, virtio-scsi or snapshot"#
    );
}

#[test]
fn the_rest_is_checked_too() {
    assert!(complaint(|spec| spec.uuid = Some("123".to_owned())).starts_with("uuid is "));
    for order in ["", "cc", "x", "c,menu=on"] {
        assert!(
            complaint(|spec| spec.boot.order = Some(order.to_owned()))
                .starts_with("boot order is "),
            "{order}"
        );
    }
    let nic = |change: &dyn Fn(&mut Nic)| {
        let mut nic = Nic::virtio_user("nic1", &[22]);
        change(&mut nic);
        complaint(|spec| spec.nics = vec![nic])
    };
    assert!(
        nic(&|nic| nic.model = "e1000,romfile=/etc/shadow".to_owned())
            .starts_with("model of nic nic1 is ")
    );
    let port_zero = Netdev::User {
        forwards: vec![HostForward {
            host: None,
            guest: 0,
        }],
        restrict: false,
        options: UserNet::default(),
    };
    assert!(nic(&|nic| nic.netdev = port_zero.clone()).starts_with("port forward of nic nic1 is "));
    let tap = Netdev::Tap {
        ifname: Some("tap0,script=/bin/sh".to_owned()),
        bridge: None,
        vhost: false,
    };
    assert!(nic(&|nic| nic.netdev = tap.clone()).starts_with("tap interface of nic nic1 is "));
}
