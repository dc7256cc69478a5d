//! The command lines of each machine type, and of what cannot be had everywhere: daemons, a SPICE server, huge pages, a
//! macvtap. What the real QEMU takes is tested with the real QEMU.

use std::fs;

use super::*;
use crate::binary::{Binary, Version};
use crate::spec::{
    AccelChoice, Arch, Display, Drive, DriveFormat, DriveInterface, Filesystem, Firmware, FsDriver,
    Hmat, HostForward, MachineSpec, MachineType, Memory, MemoryBackend, MemorySource, Netdev, Nic,
    NumaNode, Serial, Smp, Spice, Tpm, TpmBackend, Vcpu, Vga,
};

/// The options that differ from machine to machine, one a line, with the directory of files called `/files`.
fn shown(spec: &MachineSpec, dir: &Path) -> String {
    let version = Version {
        major: 10,
        minor: 0,
        micro: 0,
    };
    let program = format!("/usr/bin/qemu-system-{}", spec.machine.arch());
    let binary = Binary::assumed(&program, version);
    let paths = Paths::new("/run/vthost/vm1", "/results/vm1").expect("both are absolute");
    let line = spec.command_line(&binary, &paths).expect("it is valid");
    let text = line
        .to_string()
        .replace(&dir.display().to_string(), "/files");
    let dull = [
        "#",
        "cd ",
        "-S",
        "-nodefaults",
        "-no-user-config",
        "-sandbox",
        "-rtc",
        "-name",
    ];
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !dull.iter().any(|start| line.starts_with(start)));
    lines.collect::<Vec<_>>().join("\n")
}

fn files(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for name in names {
        fs::write(dir.path().join(name), b"").expect("a file");
    }
    dir
}

#[test]
fn each_machine_type_has_its_buses() {
    let dir = files(&["a.raw", "b.raw"]);
    let disk = |id: &str, name: &str, interface| {
        Drive::disk(id, dir.path().join(name), DriveFormat::Raw, interface)
    };
    for (name, arch) in [
        ("microvm", Arch::X86_64),
        ("virt", Arch::Aarch64),
        ("arm64-mmio:virt", Arch::Aarch64),
        ("virt", Arch::Riscv64),
        ("riscv64-mmio:virt", Arch::Riscv64),
        ("pseries", Arch::Ppc64),
        ("s390-ccw-virtio", Arch::S390x),
    ] {
        let spec = MachineSpec {
            machine: MachineType::parse(name, arch).expect("a machine type"),
            accel: AccelChoice::Tcg,
            drives: vec![
                disk("disk1", "a.raw", DriveInterface::VirtioBlk),
                disk("disk2", "b.raw", DriveInterface::VirtioScsi),
            ],
            nics: vec![Nic::virtio_user("nic1", &[22])],
            spare_root_ports: 1,
            ..MachineSpec::new("vm1")
        };
        let name = format!("{arch}_{}", name.replace(':', "_"));
        insta::assert_snapshot!(name, shown(&spec, dir.path()));
    }
}

#[test]
fn what_daemons_serve() {
    let dir = files(&[]);
    let share = dir.path().join("share");
    fs::create_dir(&share).expect("a directory");
    let shared = MemoryBackend {
        share: true,
        ..MemoryBackend::new(MemorySource::Memfd { hugepage_kib: None })
    };
    let mut spec = MachineSpec::new("vm1");
    spec.accel = AccelChoice::Tcg;
    spec.guest_agent = false;
    spec.rng = false;
    spec.serials = vec![Serial::isa("serial0")];
    spec.memory.backend = Some(shared);
    spec.filesystems = vec![Filesystem {
        id: "fs1".to_owned(),
        source: share,
        tag: "myfs".to_owned(),
        driver: FsDriver::Virtiofs {
            program: None,
            args: Vec::new(),
        },
        read_only: false,
    }];
    let emulator = TpmBackend::Emulator {
        program: None,
        version2: true,
    };
    spec.tpms = vec![
        Tpm {
            id: "tpm0".to_owned(),
            model: "tpm-crb".to_owned(),
            backend: emulator,
        },
        Tpm {
            id: "tpm1".to_owned(),
            model: "tpm-tis".to_owned(),
            backend: TpmBackend::Passthrough("/dev/tpm0".into()),
        },
    ];
    let forwards = vec![HostForward {
        host: Some(5022),
        guest: 22,
    }];
    let nic = |id: &str, netdev| Nic {
        netdev,
        ..Nic::virtio_user(id, &[])
    };
    spec.nics = vec![
        nic(
            "nic1",
            Netdev::Passt {
                program: None,
                forwards,
            },
        ),
        nic(
            "nic2",
            Netdev::Macvtap {
                device: "/dev/tap7".into(),
            },
        ),
    ];
    spec.spare_root_ports = 0;
    insta::assert_snapshot!(shown(&spec, dir.path()));
    let version = Version {
        major: 10,
        minor: 0,
        micro: 0,
    };
    let binary = Binary::assumed("/usr/bin/qemu-system-x86_64", version);
    let paths = Paths::new("/run/vthost/vm1", "/results/vm1").expect("both are absolute");
    let line = spec.command_line(&binary, &paths).expect("it is valid");
    let args: Vec<_> = line
        .args(|name| if name == "macvtap_nic2" { 77 } else { 5 })
        .into_iter()
        .filter_map(|arg| arg.into_string().ok())
        .filter(|arg| arg.contains("netdev_nic"))
        .collect();
    assert!(
        args.iter().any(|arg| arg.contains(r#""fd":"77""#)),
        "{args:?}"
    );
    assert!(
        args.iter()
            .any(|arg| arg.contains(r#"{"type":"fd","str":"5"}"#)),
        "{args:?}"
    );
    // virtiofsd cannot serve memory that QEMU keeps for itself.
    spec.memory.backend = None;
    let error = spec.check().expect_err("not shared").to_string();
    assert!(
        error.contains("give it a memory backend with `share`"),
        "{error}"
    );
}

#[test]
fn memory_firmware_and_displays() {
    let dir = files(&["CODE.fd", "VARS.fd"]);
    let at = |name: &str| dir.path().join(name);
    let fields = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    let node = |cpus: &str| NumaNode {
        cpus: vec![cpus.to_owned()],
        memory_mib: Some(128),
        initiator: Some(0),
        ..NumaNode::default()
    };
    let mut spec = MachineSpec::new("vm1");
    spec.accel = AccelChoice::Tcg;
    spec.guest_agent = false;
    spec.rng = false;
    spec.machine_options = fields(&[("hmat", "on")]);
    spec.smp = Smp {
        sockets: 2,
        dies: 2,
        ..Smp::cpus(2)
    };
    spec.vcpus = vec![Vcpu {
        id: "vcpu1".to_owned(),
        driver: "Nehalem-x86_64-cpu".to_owned(),
        place: vec![("socket-id".to_owned(), 1), ("core-id".to_owned(), 0)],
    }];
    spec.memory = Memory {
        backend: Some(MemoryBackend {
            prealloc: true,
            host_nodes: Some("0,2-3".to_owned()),
            policy: Some("bind".to_owned()),
            ..MemoryBackend::new(MemorySource::File("/dev/hugepages".into()))
        }),
        numa: vec![node("0-1"), node("2")],
        hmat: vec![
            Hmat::Locality(fields(&[
                ("initiator", "0"),
                ("target", "1"),
                ("latency", "10"),
            ])),
            Hmat::Cache(fields(&[("node-id", "0"), ("size", "10K"), ("level", "1")])),
        ],
        lock: true,
        ..Memory::default()
    };
    spec.firmware = Firmware::Pflash {
        code: at("CODE.fd"),
        vars: Some(at("VARS.fd")),
    };
    spec.vga = Vga::Qxl;
    spec.more_screens = 2;
    spec.test_device = true;
    spec.exit_port = true;
    spec.display = Display::Spice(Spice {
        password: Some("secret, word".to_owned()),
        options: fields(&[("image-compression", "auto_glz")]),
    });
    spec.spare_root_ports = 0;
    let shown = shown(&spec, dir.path());
    assert!(!shown.contains("secret, word"), "{shown}");
    insta::assert_snapshot!(shown);
}
