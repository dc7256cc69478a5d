//! The life of real machines. No guest image is needed: the firmware and a boot sector do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Bench, LONG, alive, bare};
use regex::bytes::Regex;
use serde_json::{Value, json};
use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{
    Balloon, Display, Drive, DriveFormat, DriveInterface, MachineSpec, MachineType, Nic, PowerOff,
    Serial, SerialKind, UsbController, UsbDevice, UsbModel, Vga,
};
use vthost_qemu::{MachineError, MachineState, QmpError, SerialHandle};

async fn booted(serial: &SerialHandle) {
    serial
        .subscribe(Replay::All)
        .wait_for_bytes(b"boot sector\r\n> ", LONG)
        .await
        .expect("the sector boots");
}

#[tokio::test]
async fn a_machine_waits_runs_pauses_and_ends() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    println!("start to monitor ready: {:?}", machine.startup());
    assert_eq!(
        machine.state().await.expect("answers"),
        MachineState::Prelaunch
    );
    let before = machine.qmp().cursor();
    machine.cont().await.expect("runs");
    assert_eq!(
        machine.state().await.expect("answers"),
        MachineState::Running
    );
    machine
        .qmp()
        .wait_event("RESUME", before, LONG)
        .await
        .expect("the event of cont");
    machine.stop().await.expect("pauses");
    assert_eq!(
        machine.state().await.expect("answers"),
        MachineState::Paused
    );
    machine.cont().await.expect("runs");
    let serial = machine.serial("serial0").expect("the default console");
    booted(serial).await;

    let pid = machine.pid();
    assert!(alive(pid));
    let exit = machine.destroy().await.expect("ends");
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(exit.leftovers, Vec::<String>::new());
    assert!(!alive(pid));
    assert_eq!(
        machine.state().await.expect("known"),
        MachineState::Exited(exit.status)
    );
    assert!(matches!(
        machine.qmp().execute("stop", Value::Null).await,
        Err(QmpError::Closed)
    ));
    assert_eq!(machine.destroy().await.expect("again"), exit);

    let paths = machine.paths();
    let run_mode = fs::metadata(paths.run_dir())
        .expect("a directory")
        .permissions()
        .mode();
    assert_eq!(run_mode & 0o777, 0o700);
    assert_eq!(
        fs::read_dir(paths.run_dir()).expect("a directory").count(),
        0,
        "the run directory is empty"
    );
    let serial_log = fs::read(paths.serial_log("vm1", "serial0", true)).expect("a serial log");
    assert!(
        serial_log.ends_with(b"boot sector\r\n> "),
        "{}",
        serial_log.escape_ascii()
    );
    let monitor_log = fs::read_to_string(paths.qmp_log("vm1")).expect("a monitor log");
    assert!(
        monitor_log.contains(r#""execute":"cont""#) && monitor_log.contains("RESUME"),
        "{monitor_log}"
    );
    let script = fs::read_to_string(paths.cmdline("vm1")).expect("a command line");
    assert!(
        script.contains("\n  -name guest=vm1,debug-threads=on \\\n"),
        "{script}"
    );
}

#[tokio::test]
async fn the_console_takes_input_and_the_guest_can_power_off() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    machine.cont().await.expect("runs");
    let serial = machine.serial("serial0").expect("the default console");
    booted(serial).await;
    let mut stream = serial.subscribe(Replay::None);
    let text = "the quick brown fox ".repeat(50);
    serial.write(text.as_bytes()).expect("taken");
    let echo = Regex::new("(the quick brown fox ){50}$").expect("valid");
    stream.wait_for(&echo, LONG).await.expect("echoed");
    let before = machine.qmp().cursor();
    serial.write(b"!").expect("taken");
    let exit = machine.wait_exit(LONG).await.expect("QEMU ends");
    assert!(exit.status.success(), "{exit:?}");
    let event = machine
        .qmp()
        .wait_event("SHUTDOWN", before, LONG)
        .await
        .expect("is kept after the end");
    assert_eq!(event.data["reason"], "guest-shutdown");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_powered_off_machine_can_stay_and_a_panic_is_a_state() {
    let bench = Bench::new();
    let spec = MachineSpec {
        power_off: PowerOff::Pause,
        ..bench.bootable("vm1")
    };
    let machine = bench.started(spec).await;
    machine.cont().await.expect("runs");
    let serial = machine.serial("serial0").expect("the default console");
    booted(serial).await;
    let before = machine.qmp().cursor();
    serial.write(b"!").expect("taken");
    machine
        .qmp()
        .wait_event("STOP", before, LONG)
        .await
        .expect("powered off");
    assert_eq!(
        machine.state().await.expect("answers"),
        MachineState::Shutdown
    );
    let before = machine.qmp().cursor();
    let printed = serial.printed();
    machine.system_reset().await.expect("resets");
    machine.cont().await.expect("runs");
    machine
        .qmp()
        .wait_event("RESET", before, LONG)
        .await
        .expect("an event");
    let mut stream = serial.subscribe(Replay::All);
    stream
        .wait_for_bytes(b"boot sector\r\n> ", LONG)
        .await
        .expect("the first boot");
    stream
        .wait_for_bytes(b"boot sector\r\n> ", LONG)
        .await
        .expect("the second boot");
    assert!(serial.printed() > printed);
    let before = machine.qmp().cursor();
    serial.write(b"?").expect("taken");
    machine
        .qmp()
        .wait_event("GUEST_PANICKED", before, LONG)
        .await
        .expect("an event");
    machine
        .qmp()
        .wait_event("STOP", before, LONG)
        .await
        .expect("an event");
    assert_eq!(
        machine.state().await.expect("answers"),
        MachineState::GuestPanicked
    );
}

#[tokio::test]
async fn the_screen_is_a_png_and_without_adapter_there_is_none() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    machine.cont().await.expect("runs");
    booted(machine.serial("serial0").expect("the default console")).await;
    let file = bench.path().join("screen.png");
    machine.screendump_png(&file).await.expect("a picture");
    let picture = fs::read(&file).expect("a file");
    assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&picture[12..16], b"IHDR");
    assert!(picture.ends_with(b"IEND\xaeB`\x82"));
    let nowhere = machine
        .screendump_png(&bench.path().join("no/such/dir.png"))
        .await
        .expect_err("no directory");
    assert!(matches!(nowhere, MachineError::File { .. }), "{nowhere}");
    machine.destroy().await.expect("ends");
    assert_eq!(
        fs::read_dir(machine.paths().run_dir())
            .expect("a directory")
            .count(),
        0,
        "nothing is left"
    );

    let blind = bench
        .started(MachineSpec {
            vga: Vga::None,
            ..bare("vm2")
        })
        .await;
    let error = blind.screendump_png(&file).await.expect_err("no adapter");
    assert!(matches!(error, MachineError::Qmp { .. }), "{error}");
}

#[tokio::test]
async fn refusals_carry_the_class_of_the_error() {
    let bench = Bench::new();
    let machine = bench.started(bare("vm1")).await;
    let qmp = machine.qmp();
    let error = qmp
        .execute("no-such-command", Value::Null)
        .await
        .expect_err("refused");
    assert_eq!(error.class(), Some("CommandNotFound"));
    let error = qmp
        .execute("device_del", json!({ "id": "nothing" }))
        .await
        .expect_err("refused");
    assert_eq!(error.class(), Some("DeviceNotFound"));
    let error = qmp
        .execute("query-status", json!({ "x": 1 }))
        .await
        .expect_err("refused");
    assert_eq!(error.class(), Some("GenericError"));
    let name = qmp.execute_typed(&qapi_name()).await.expect("answered");
    assert_eq!(name.name.as_deref(), Some("vm1"));
    assert!(
        qmp.human("info status")
            .await
            .expect("answered")
            .contains("prelaunch")
    );
    // Many at once.
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let qmp = qmp.clone();
            tokio::spawn(async move { qmp.execute("query-version", Value::Null).await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("answered");
    }
}

fn qapi_name() -> qapi::qmp::query_name {
    qapi::qmp::query_name {}
}

#[tokio::test]
async fn the_kernel_chooses_ports_and_machines_do_not_share_them() {
    let bench = Bench::new();
    let nic = || vec![Nic::virtio_user("nic1", &[22, 80])];
    let one = bench
        .started(MachineSpec {
            nics: nic(),
            ..bare("vm1")
        })
        .await;
    let two = bench
        .started(MachineSpec {
            nics: nic(),
            ..bare("vm2")
        })
        .await;
    let mut ports: Vec<u16> = [&one, &two]
        .iter()
        .flat_map(|vm| vm.forwards())
        .map(|forward| forward.host)
        .collect();
    assert_eq!(one.host_port(22), Some(ports[0]));
    for &port in &ports {
        std::net::TcpStream::connect(("127.0.0.1", port)).expect("QEMU listens");
    }
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 4);
    assert_eq!(one.host_port(23), None);
}

/// Every kind of device, on both chipsets: the command line is accepted by the QEMU that is installed.
#[tokio::test]
async fn every_device_is_accepted() {
    for machine_type in [MachineType::q35(), MachineType::pc()] {
        let bench = Bench::new();
        let disk = |id: &str, on| {
            let path = bench.path().join(format!("{id}, x.raw"));
            fs::write(&path, vec![0; 1 << 20]).expect("a disk");
            Drive::disk(id, path, DriveFormat::Raw, on)
        };
        let mut spec = bare("vm1");
        spec.machine = machine_type;
        spec.uuid = Some("01234567-89ab-cdef-0123-456789abcdef".to_owned());
        spec.balloon = Some(Balloon::default());
        spec.usb_controllers.push(UsbController {
            ports: None,
            id: "usb1".to_owned(),
            model: UsbModel::Xhci,
            address: None,
        });
        spec.usb_devices.push(UsbDevice {
            id: "tablet1".to_owned(),
            driver: "usb-tablet".to_owned(),
            controller: None,
            port: None,
        });
        spec.display = Display::VncUnix;
        spec.boot.order = Some("cdn".to_owned());
        spec.serials.push(Serial {
            name: "hvc".to_owned(),
            kind: SerialKind::Virtio,
        });
        spec.serials.push(Serial {
            name: "firmware".to_owned(),
            kind: SerialKind::FirmwareLog,
        });
        spec.drives = vec![
            disk("ide1", DriveInterface::Ide),
            disk("scsi1", DriveInterface::VirtioScsi),
            Drive {
                serial: Some("SN1".to_owned()),
                ..disk("blk1", DriveInterface::VirtioBlk)
            },
            Drive {
                read_only: true,
                ..disk("ro1", DriveInterface::VirtioBlk)
            },
            Drive {
                read_only: true,
                ..disk("ro2", DriveInterface::VirtioScsi)
            },
            Drive {
                snapshot: true,
                ..disk("snap1", DriveInterface::Ide)
            },
        ];
        for on in [
            DriveInterface::Ide,
            DriveInterface::VirtioScsi,
            DriveInterface::VirtioBlk,
        ] {
            let path = disk(&format!("cd-{on:?}"), on).path;
            spec.drives
                .push(Drive::cdrom(format!("cd-{on:?}"), path, on));
        }
        for (n, model) in ["virtio", "e1000", "e1000e", "rtl8139"]
            .into_iter()
            .enumerate()
        {
            let nic = Nic {
                model: model.to_owned(),
                ..Nic::virtio_user(format!("nic{n}"), &[22])
            };
            spec.nics.push(nic);
        }
        let machine = bench.started(spec).await;
        assert_eq!(machine.forwards().len(), 4);
        assert!(machine.vnc_socket().expect("asked for").exists());
        machine.cont().await.expect("runs");
        let firmware = machine
            .serial("firmware")
            .expect("asked for")
            .subscribe(Replay::All);
        let mut firmware = firmware;
        firmware
            .wait_for_bytes(b"SeaBIOS", LONG)
            .await
            .expect("the firmware speaks");
        machine.agent().expect("a stream").expect("on by default");
        machine.destroy().await.expect("ends");
        assert!(!machine.vnc_socket().expect("asked for").exists());
    }
}

#[tokio::test]
async fn every_common_video_adapter_is_accepted() {
    for machine_type in [MachineType::q35(), MachineType::pc()] {
        for vga in [Vga::Cirrus, Vga::Virtio, Vga::Vmware] {
            let bench = Bench::new();
            let spec = MachineSpec {
                vga,
                machine: machine_type.clone(),
                ..bare("vm1")
            };
            let machine = bench.started(spec).await;
            machine.destroy().await.expect("ends");
        }
    }
}

#[tokio::test]
async fn devices_can_be_plugged_into_the_spare_ports() {
    let bench = Bench::new();
    let machine = bench.started(bench.bootable("vm1")).await;
    let nic = json!({ "driver": "virtio-net-pci", "id": "hot1", "bus": "pcie_extra_root_port_0" });
    machine
        .qmp()
        .execute("device_add", nic)
        .await
        .expect("plugged");
}
