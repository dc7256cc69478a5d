//! Drives.

use super::*;

#[tokio::test]
async fn drives_of_every_interface() {
    let interfaces = [
        DriveInterface::VirtioBlk,
        DriveInterface::VirtioScsi,
        DriveInterface::Scsi(ScsiHba::Lsi),
        DriveInterface::Scsi(ScsiHba::Megasas),
        DriveInterface::Scsi(ScsiHba::Mptsas),
        DriveInterface::Scsi(ScsiHba::Pvscsi),
        DriveInterface::Scsi(ScsiHba::Am53c974),
        DriveInterface::Ide,
        DriveInterface::Ahci,
        DriveInterface::Usb(UsbVersion::One),
        DriveInterface::Usb(UsbVersion::Two),
        DriveInterface::Usb(UsbVersion::Three),
        DriveInterface::Nvme,
        DriveInterface::Floppy,
    ];
    for machine in ["pc", "q35"] {
        let bench = Bench::new();
        let mut spec = plain(machine);
        spec.usb_controllers = vec![
            usb("usb1", UsbModel::Piix3Uhci),
            usb("usb2", UsbModel::Ich9Ehci),
            usb("usb3", UsbModel::Xhci),
        ];
        for (number, interface) in interfaces.into_iter().enumerate() {
            spec.drives
                .push(raw(&bench, &format!("disk{number}"), interface));
        }
        let namespace = raw(&bench, "ns1", DriveInterface::Nvme);
        spec.drives.push(Drive {
            bus: Some(1),
            ..namespace
        });
        for (id, interface) in [
            ("cd1", DriveInterface::Ide),
            ("cd2", DriveInterface::VirtioScsi),
            ("cd3", DriveInterface::Usb(UsbVersion::Three)),
            ("cd4", DriveInterface::Ahci),
        ] {
            let disc = raw(&bench, id, interface);
            spec.drives.push(Drive::cdrom(id, disc.path, interface));
        }
        spec.drives
            .push(Drive::cdrom("cd5", "", DriveInterface::Ide));
        let machine = accepted(&bench, spec).await;
        ended(machine).await;
    }
}

#[tokio::test]
async fn options_of_drives() {
    let bench = Bench::new();
    let mut spec = plain("q35");
    spec.iothreads = vec!["iothread0".to_owned()];
    spec.throttle_groups = vec![ThrottleGroup {
        id: "group1".to_owned(),
        limits: vec![
            ("iops-total".to_owned(), 100),
            ("bps-read".to_owned(), 1 << 20),
        ],
    }];
    spec.drives = vec![
        Drive {
            cache: Cache::None,
            aio: Some(Aio::Native),
            discard: Some(true),
            detect_zeroes: Some(DetectZeroes::Unmap),
            write_error: Some(ErrorPolicy::Stop),
            read_error: Some(ErrorPolicy::Ignore),
            iothread: Some("iothread0".to_owned()),
            queues: Some(2),
            serial: Some("SN-1".to_owned()),
            logical_block_size: Some(4096),
            physical_block_size: Some(4096),
            min_io_size: Some(4096),
            opt_io_size: Some(8192),
            pci: Some(PciAddress::slot(8)),
            extra: vec![
                ("seg-max-adjust".to_owned(), "off".to_owned()),
                ("queue-size".to_owned(), "128".to_owned()),
                ("disable-legacy".to_owned(), "on".to_owned()),
            ],
            ..raw(&bench, "disk1", DriveInterface::VirtioBlk)
        },
        Drive {
            throttle_group: Some("group1".to_owned()),
            copy_on_read: true,
            wwn: Some(0x5000_c500_1234_5678),
            unit: Some(9),
            lun: Some(2),
            ..raw(&bench, "disk2", DriveInterface::VirtioScsi)
        },
        Drive {
            snapshot: true,
            ..raw(&bench, "disk3", DriveInterface::Ide)
        },
        Drive {
            read_only: true,
            ..raw(&bench, "disk4", DriveInterface::VirtioBlk)
        },
    ];
    let machine = accepted(&bench, spec).await;
    let get = async |path: &str, property: &str| {
        let arguments = json!({"path": path, "property": property});
        machine
            .qmp()
            .execute("qom-get", arguments)
            .await
            .expect("a property")
    };
    assert_eq!(get("/machine/peripheral/disk1", "queue-size").await, 128);
    assert_eq!(
        get("/machine/peripheral/disk1", "logical_block_size").await,
        4096
    );
    assert_eq!(
        get("/machine/peripheral/disk1", "legacy-addr").await,
        "08.0"
    );
    assert_eq!(get("/machine/peripheral/disk2", "scsi-id").await, 9);
    assert_eq!(get("/machine/peripheral/disk2", "lun").await, 2);
    let block = machine.qmp().execute("query-block", Value::Null).await;
    let block = block.expect("a list");
    let disk = |id: &str| {
        let entries = block.as_array().expect("a list").iter();
        // An id, or a path below it.
        let is_its = |qdev: &str| qdev.split('/').any(|part| part == id);
        entries
            .clone()
            .find(|entry| entry["qdev"].as_str().is_some_and(is_its))
            .unwrap_or_else(|| panic!("{id} in {block}"))
            .clone()
    };
    assert_eq!(disk("disk1")["inserted"]["cache"]["direct"], true);
    assert_eq!(disk("disk1")["inserted"]["detect_zeroes"], "unmap");
    assert_eq!(disk("disk2")["inserted"]["node-name"], "cor_disk2");
    assert_eq!(disk("disk4")["inserted"]["ro"], true);
    ended(machine).await;
}

#[tokio::test]
async fn images_of_several_formats_and_a_passphrase_that_nobody_sees() {
    let bench = Bench::new();
    let mut spec = plain("q35");
    let at = |name: &str| bench.path().join(name);
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    for (id, format) in [("disk1", DriveFormat::Qcow2), ("disk2", DriveFormat::Vmdk)] {
        let path = at(id);
        qemu_img(&["create", "-f", format.driver(), &text(&path), "4M"]);
        spec.drives
            .push(Drive::disk(id, path, format, DriveInterface::VirtioBlk));
    }
    let passphrase = "vthost,key-secret=none";
    let secret = format!("secret,id=s,data={}", passphrase.replace(',', ",,"));
    for (id, format, options) in [
        ("disk3", DriveFormat::Luks, "key-secret=s,iter-time=10"),
        (
            "disk4",
            DriveFormat::Qcow2,
            "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
        ),
    ] {
        let path = at(id);
        let name = text(&path);
        qemu_img(&[
            "create",
            "--object",
            &secret,
            "-f",
            format.driver(),
            "-o",
            options,
            &name,
            "4M",
        ]);
        spec.drives.push(Drive {
            secret: Some(passphrase.to_owned()),
            ..Drive::disk(id, path, format, DriveInterface::VirtioBlk)
        });
    }
    // An overlay without a passphrase, on an image that has one.
    let (overlay, base) = (at("disk5"), at("disk3-base"));
    std::fs::copy(at("disk3"), &base).expect("a copy");
    qemu_img(&[
        "create",
        "-u",
        "-f",
        "qcow2",
        "-F",
        "luks",
        "-b",
        &text(&base),
        &text(&overlay),
        "4M",
    ]);
    spec.drives.push(Drive {
        secret: Some(passphrase.to_owned()),
        backing: vec![base],
        backing_format: Some(DriveFormat::Luks),
        ..Drive::disk(
            "disk5",
            overlay,
            DriveFormat::Qcow2,
            DriveInterface::VirtioBlk,
        )
    });
    let machine = accepted(&bench, spec).await;
    let block = machine.qmp().execute("query-block", Value::Null).await;
    let encrypted = block
        .expect("a list")
        .to_string()
        .matches(r#""encrypted":true"#)
        .count();
    assert!(encrypted >= 2, "{encrypted}");
    let shown = format!("{:?} {}", machine.command_line(), machine.command_line());
    assert!(!shown.contains(passphrase), "{shown}");
    let left: Vec<_> = std::fs::read_dir(machine.paths().run_dir())
        .expect("a directory")
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "secret"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    ended(machine).await;
}
