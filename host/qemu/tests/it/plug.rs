//! Devices that come and go.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use vthost_qemu::block::Overlay;
use vthost_qemu::plug::Plug;
use vthost_qemu::spec::{
    Drive, DriveFormat, DriveInterface, MachineSpec, MachineType, Memory, MemoryBackend,
    MemoryDevice, MemoryModel, MemorySource, Nic, Rng, RngSource, Serial, SerialKind, Smp,
    UsbController, UsbDevice, UsbModel, UsbVersion, Vcpu,
};
use vthost_qemu::{Machine, MachineError};

use crate::common::{Bench, LONG, bare};
use crate::disk::qemu_img;
use crate::life::signal;

pub(crate) fn drive(bench: &Bench, id: &str, on: DriveInterface) -> Drive {
    // Outside of the run directory: it has to be handed over.
    let path = bench.path().join(format!("{id}.qcow2"));
    qemu_img(&[
        "create",
        "-q",
        "-f",
        "qcow2",
        path.to_str().expect("UTF-8"),
        "64M",
    ]);
    Drive::disk(id, path, DriveFormat::Qcow2, on)
}

pub(crate) fn dimm(id: &str, size_mib: u64) -> MemoryDevice {
    MemoryDevice {
        id: id.to_owned(),
        model: MemoryModel::Dimm,
        size_mib,
        backend: MemoryBackend::new(MemorySource::Ram),
        node: None,
        address: None,
    }
}

fn stick(bench: &Bench) -> Drive {
    drive(bench, "stick1", DriveInterface::Usb(UsbVersion::Three))
}

fn roomy(machine: MachineType) -> MachineSpec {
    MachineSpec {
        machine,
        smp: Smp {
            cpus: 1,
            ..Smp::cpus(2)
        },
        memory: Memory {
            max_mib: Some(1024),
            slots: Some(4),
            ..Memory::default()
        },
        usb_controllers: vec![UsbController {
            ports: None,
            id: "usb1".to_owned(),
            model: UsbModel::Xhci,
            address: None,
        }],
        spare_root_ports: 8,
        ..bare("vm1")
    }
}

pub(crate) async fn free_vcpu(machine: &Machine, id: &str) -> Vcpu {
    let slots = machine.vcpu_slots().await.expect("listed");
    let free = slots.into_iter().find(|slot| slot.path.is_none());
    let free = free.expect("a place");
    Vcpu {
        id: id.to_owned(),
        driver: free.driver,
        place: free.props.into_iter().collect(),
    }
}

/// The names of what QEMU has of a kind, to see that nothing stays behind.
async fn parts(machine: &Machine) -> Vec<String> {
    let objects = serde_json::json!({ "path": "/objects" });
    let mut names = machine.device_ids().await.expect("listed");
    for (command, arguments, name) in [
        ("qom-list", objects, "name"),
        ("query-chardev", Value::Null, "label"),
        ("query-named-block-nodes", Value::Null, "node-name"),
        ("query-fdsets", Value::Null, "fdset-id"),
    ] {
        let list = machine.qmp().execute(command, arguments).await;
        let list = list.expect("listed");
        let list = list.as_array().cloned().unwrap_or_default();
        names.extend(
            list.into_iter()
                .map(|entry| format!("{command}: {}", entry[name])),
        );
    }
    let network = machine.qmp().human("info network").await.expect("listed");
    names.extend(network.lines().map(str::to_owned));
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_device_can_be_plugged_in() {
    for machine_type in [MachineType::q35(), MachineType::pc()] {
        let bench = Bench::new();
        let machine = bench.started(roomy(machine_type)).await;
        let vcpu = free_vcpu(&machine, "vcpu1").await;
        let plugs: Vec<Plug> = vec![
            drive(&bench, "blk1", DriveInterface::VirtioBlk).into(),
            stick(&bench).into(),
            Nic::virtio_user("nic9", &[22]).into(),
            dimm("mem1", 128).into(),
            vcpu.into(),
            UsbDevice {
                id: "tablet1".to_owned(),
                driver: "usb-tablet".to_owned(),
                controller: None,
                port: None,
            }
            .into(),
            Serial {
                name: "port9".to_owned(),
                kind: SerialKind::VirtioPort {
                    name: Some("org.test.9".to_owned()),
                    number: None,
                },
            }
            .into(),
            Rng {
                id: "rng9".to_owned(),
                source: RngSource::Builtin,
                max_bytes: None,
                period_ms: None,
            }
            .into(),
            Plug::Input {
                id: "input1".to_owned(),
                kind: "keyboard".to_owned(),
            },
            Plug::Scsi {
                id: "hba1".to_owned(),
            },
            Plug::Pci {
                driver: "virtio-balloon-pci".to_owned(),
                id: "balloon9".to_owned(),
                props: vec![("deflate-on-oom".to_owned(), true.into())],
            },
        ];
        let many = plugs.len();
        for plug in plugs {
            let id = plug.id();
            if let Err(error) = machine.plug(plug).await {
                panic!("{id}: {error:#?}");
            }
        }
        assert_eq!(machine.plugged().await.len(), many);
        let memory = machine.memory_info().await.expect("known");
        assert_eq!(memory.plugged, 128 << 20);
        let nic = machine
            .plugged()
            .await
            .into_iter()
            .find(|plugged| plugged.id == "nic9");
        let port = nic.expect("there").forwards[0].host;
        std::net::TcpStream::connect(("127.0.0.1", port)).expect("QEMU listens");
        machine.console("port9").expect("a console");
        machine.cont().await.expect("runs");
    }
}

/// What the guest has no part in goes at once, and takes all that was behind it along.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unplugged_leaves_nothing_behind() {
    let bench = Bench::new();
    let machine = bench.started(roomy(MachineType::q35())).await;
    let before = parts(&machine).await;
    for round in 0..3 {
        let mut secret = stick(&bench);
        if round == 1 {
            let path = bench.path().join("luks.img");
            let shown = path.to_str().expect("UTF-8");
            let key = "secret,id=s,data=open sesame";
            qemu_img(&[
                "create",
                "-q",
                "-f",
                "luks",
                "--object",
                key,
                "-o",
                "key-secret=s,iter-time=10",
                shown,
                "1M",
            ]);
            secret.path = path;
            secret.format = DriveFormat::Luks;
            secret.secret = Some("open sesame".to_owned());
        }
        machine.plug(secret).await.expect("plugged");
        machine.unplug("stick1", LONG).await.expect("unplugged");
        assert_eq!(parts(&machine).await, before, "round {round}");
        fs::remove_file(bench.path().join("stick1.qcow2")).expect("unused");
    }
    let log = fs::read_to_string(machine.paths().qmp_log("vm1")).expect("a log");
    assert!(
        log.contains("secret_stick1") && !log.contains("sesame"),
        "no passphrase in logs"
    );

    let port = Serial {
        name: "port9".to_owned(),
        kind: SerialKind::VirtioPort {
            name: None,
            number: None,
        },
    };
    machine.plug(port).await.expect("plugged");
    machine.unplug("port9", LONG).await.expect("unplugged");
    assert!(machine.console("port9").is_none());
    assert_eq!(parts(&machine).await, before);

    // A drive with a snapshot on top of it.
    machine.plug(stick(&bench)).await.expect("plugged");
    let overlay = Overlay {
        device: "stick1".to_owned(),
        node: "snap1".to_owned(),
        path: bench.paths().run_dir().join("snap1.qcow2"),
    };
    machine.live_snapshot(&[overlay]).await.expect("taken");
    machine.unplug("stick1", LONG).await.expect("unplugged");
    assert_eq!(parts(&machine).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_takes_the_others_back() {
    let bench = Bench::new();
    let machine = bench.started(roomy(MachineType::q35())).await;
    let before = parts(&machine).await;
    // The nodes are made, the device is not: it has no such property.
    let mut odd = drive(&bench, "blk1", DriveInterface::VirtioBlk);
    odd.extra = vec![("no-such-property".to_owned(), "1".to_owned())];
    let error = machine.plug(odd.clone()).await.expect_err("refused");
    let source = error.qmp().map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("no-such-property"), "{error:?}");
    assert_eq!(parts(&machine).await, before);
    odd.extra.clear();
    machine
        .plug(odd.clone())
        .await
        .expect("the place is free again");
    let error = machine.plug(odd).await.expect_err("taken");
    assert!(matches!(error, MachineError::Argument { .. }), "{error}");
    let missing = Drive {
        path: PathBuf::from("/nowhere/x.raw"),
        ..drive(&bench, "blk2", DriveInterface::VirtioBlk)
    };
    let error = machine.plug(missing).await.expect_err("missing");
    assert!(matches!(error, MachineError::File { .. }), "{error}");
    let error = machine.unplug("nothing", LONG).await.expect_err("unknown");
    assert!(
        error.to_string().starts_with(
            "machine \"vm1\" has no device that can be unplugged \"nothing\"; it has: "
        ),
        "{error}"
    );
    // Nobody runs who could let it go.
    let begun = Instant::now();
    let short = Duration::from_millis(200);
    let error = machine.unplug("blk1", short).await.expect_err("no guest");
    assert!(
        matches!(error, MachineError::NotUnplugged { .. }),
        "{error}"
    );
    let wait = machine.unplug("blk1", LONG * 10);
    let kill = async {
        tokio::task::yield_now().await;
        signal(&machine, Signal::KILL);
    };
    let (outcome, ()) = tokio::join!(wait, kill);
    let error = outcome.expect_err("killed");
    assert!(error.is_ended(), "{error:?}");
    assert!(begun.elapsed() < LONG);

    // A machine with no place left.
    let spec = MachineSpec {
        spare_root_ports: 0,
        ..bare("vm2")
    };
    let machine = bench.started(spec).await;
    let error = machine.plug(Nic::virtio_user("nic9", &[])).await;
    let error = error.expect_err("no root port");
    let source = std::error::Error::source(&error).expect("why").to_string();
    assert!(source.contains("spare root port"), "{error}: {source}");
}

/// An overlay whose files below are known to the host, not taken from the image.
#[tokio::test(flavor = "multi_thread")]
async fn an_overlay_is_plugged_in_with_the_files_below_it() {
    let bench = Bench::new();
    let machine = bench.started(roomy(MachineType::q35())).await;
    let base = drive(&bench, "base", DriveInterface::VirtioBlk).path;
    let mut top = drive(&bench, "blk1", DriveInterface::VirtioBlk);
    let names = (
        base.to_str().expect("UTF-8"),
        top.path.to_str().expect("UTF-8"),
    );
    qemu_img(&[
        "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", names.0, names.1,
    ]);
    top.backing = vec![base.clone()];
    machine.plug(top.clone()).await.expect("plugged");
    let medium = machine.block_device("blk1").await.expect("there").medium;
    let medium = medium.expect("a disk");
    assert_eq!(medium.backing_depth, 1);
    let nodes = machine.block_nodes().await.expect("listed");
    let below = nodes.iter().find(|node| node.name == "back0_blk1");
    assert_eq!(below.expect("a node").file, names.0);
}

/// QEMU numbers the states of user-mode networks as they come: a gap cannot be had again.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_among_networks_is_told_before_a_migration() {
    let bench = Bench::new();
    let usb = |id: &str| Nic {
        model: "usb-net".to_owned(),
        ..Nic::virtio_user(id, &[])
    };
    let spec = MachineSpec {
        nics: vec![usb("nic1")],
        ..roomy(MachineType::q35())
    };
    let machine = bench.started(spec).await;
    machine.plug(usb("nic2")).await.expect("plugged");
    let spec = machine.destination_spec().await.expect("no gap");
    assert!(spec.changes.removed.is_empty() && spec.changes.added.len() == 2);
    machine.unplug("nic1", LONG).await.expect("unplugged");
    let error = machine.destination_spec().await.expect_err("a gap");
    assert!(
        error
            .to_string()
            .contains("the user-mode network cannot migrate"),
        "{error}"
    );
    machine.unplug("nic2", LONG).await.expect("unplugged");
    let spec = machine.destination_spec().await.expect("no gap");
    assert_eq!(spec.changes.removed, ["nic1", "netdev_nic1"]);
    machine
        .plug(usb("nic1"))
        .await
        .expect("its id and place are free");
    machine.destination_spec().await.expect("no gap");
}
