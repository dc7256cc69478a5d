//! The other devices, and other machine types.

use super::*;

#[tokio::test]
async fn the_small_devices() {
    let bench = Bench::new();
    let shared = bench.path().join("shared");
    std::fs::create_dir(&shared).expect("a directory");
    for machine in ["pc", "q35"] {
        let mut spec = plain(machine);
        spec.balloon = Some(vthost_qemu::spec::Balloon {
            deflate_on_oom: Some(true),
            free_page_reporting: Some(true),
        });
        spec.rngs = vec![Rng {
            id: "rng1".to_owned(),
            source: RngSource::File("/dev/urandom".into()),
            max_bytes: Some(1024),
            period_ms: Some(1000),
        }];
        spec.watchdog = Some(Watchdog {
            model: if machine == "q35" { "itco" } else { "i6300esb" }.to_owned(),
            action: WatchdogAction::Pause,
        });
        spec.sound = ["intel-hda", "AC97", "ES1370"].map(str::to_owned).to_vec();
        spec.inputs = ["mouse", "keyboard", "tablet"]
            .map(|kind| (format!("input-{kind}"), kind.to_owned()))
            .to_vec();
        spec.usb_controllers = vec![
            usb("usb1", UsbModel::Ich9Ehci),
            usb("usb2", UsbModel::Ohci),
            usb("usb3", UsbModel::NecXhci),
        ];
        for driver in ["usb-tablet", "usb-kbd", "usb-mouse", "usb-hub", "usb-ccid"] {
            spec.usb_devices.push(UsbDevice {
                id: format!("my-{driver}"),
                driver: driver.to_owned(),
                controller: None,
                port: None,
            });
        }
        spec.filesystems = vec![Filesystem {
            id: "fs1".to_owned(),
            source: shared.clone(),
            tag: "myfs".to_owned(),
            driver: FsDriver::NineP {
                immediate: true,
                security_model: "mapped-xattr".to_owned(),
            },
            read_only: false,
        }];
        spec.monitors = vec![
            Monitor {
                name: "catch".to_owned(),
                kind: MonitorKind::Qmp,
            },
            Monitor {
                name: "hmp1".to_owned(),
                kind: MonitorKind::Human,
            },
        ];
        spec.serials = vec![
            Serial::isa("serial0"),
            Serial::isa("serial1"),
            Serial {
                name: "hvc0".to_owned(),
                kind: SerialKind::Virtio,
            },
            Serial {
                name: "vs1".to_owned(),
                kind: SerialKind::VirtioPort {
                    name: Some("org.vthost.0".to_owned()),
                    number: Some(7),
                },
            },
            Serial {
                name: "pci1".to_owned(),
                kind: SerialKind::Pci,
            },
            Serial {
                name: "usbs1".to_owned(),
                kind: SerialKind::Usb,
            },
            Serial {
                name: "firmware".to_owned(),
                kind: SerialKind::FirmwareLog,
            },
        ];
        spec.smbios = vec![Smbios {
            table: 1,
            fields: vec![("serial".to_owned(), "a,b=c".to_owned())],
        }];
        spec.iommu = (machine == "q35")
            .then(|| Iommu::Intel(vec![("caching-mode".to_owned(), "on".to_owned())]));
        let machine = accepted(&bench, spec).await;
        std::os::unix::net::UnixStream::connect(machine.paths().monitor_socket("hmp1"))
            .expect("a monitor that listens");
        ended(machine).await;
    }
}

#[tokio::test]
async fn video_and_displays() {
    let bench = Bench::new();
    let displays = [
        Display::None,
        Display::VncUnix,
        Display::VncPort { password: true },
    ];
    for vga in [
        Vga::Std,
        Vga::Cirrus,
        Vga::Virtio,
        Vga::Vmware,
        Vga::Ramfb,
        Vga::None,
    ] {
        for (machine, display) in [
            ("pc", &displays[0]),
            ("q35", &displays[1]),
            ("pc", &displays[2]),
        ] {
            let spec = MachineSpec {
                vga,
                display: display.clone(),
                ..plain(machine)
            };
            ended(accepted(&bench, spec).await).await;
        }
    }
}

#[tokio::test]
async fn a_software_tpm() {
    let bench = Bench::new();
    for model in ["tpm-crb", "tpm-tis"] {
        let mut spec = plain("q35");
        spec.tpms = vec![Tpm {
            id: "tpm0".to_owned(),
            model: model.to_owned(),
            backend: TpmBackend::Emulator {
                program: None,
                version2: true,
            },
        }];
        let machine = accepted(&bench, spec.clone()).await;
        let tpms = machine.qmp().execute("query-tpm", Value::Null).await;
        assert_eq!(tpms.expect("a list")[0]["options"]["type"], "emulator");
        // swtpm ends with its machine: nothing is left.
        ended(machine).await;
        spec.tpms[0].backend = TpmBackend::Emulator {
            program: Some("/nonexistent/swtpm".into()),
            version2: true,
        };
        let error = bench.start(spec).await.expect_err("no such program");
        let message = error.to_string();
        assert!(message.contains("/nonexistent/swtpm"), "{message}");
    }
}

#[tokio::test]
async fn what_the_binary_does_not_have_is_told_with_what_it_has() {
    let bench = Bench::new();
    let refused = async |spec: MachineSpec| {
        let error = bench.start(spec).await.expect_err("refused");
        let source = std::error::Error::source(&error).expect("a cause");
        source.to_string()
    };
    let mut spec = plain("q35");
    spec.sound = vec!["AC98".to_owned()];
    let message = refused(spec).await;
    assert!(
        message.contains(r#"no device "AC98"; did you mean AC97"#),
        "{message}"
    );
    let mut spec = plain("q35");
    spec.cpu = Some("Nehalen".parse().expect("a model"));
    let message = refused(spec).await;
    assert!(
        message.contains(r#"no cpu model "Nehalen"; did you mean Nehalem"#),
        "{message}"
    );
    let message = refused(plain("pc-q35-99.0")).await;
    assert!(
        message.contains(r#"no machine type "pc-q35-99.0"; did you mean pc-q35-"#),
        "{message}"
    );
}

#[tokio::test]
async fn devices_of_unit_tests() {
    let with = |machine| MachineSpec {
        test_device: true,
        exit_port: true,
        ..plain(machine)
    };
    for machine in ["pc", "q35"] {
        let bench = Bench::new();
        ended(bench.started(with(machine)).await).await;
    }
    let bench = Bench::new();
    let refused = bench.start(with("microvm")).await;
    let error = refused.expect_err("there is no such bus");
    let source = std::error::Error::source(&error).expect("a cause");
    let message = source.to_string();
    assert!(message.contains("pc-testdev"), "{message}");
}

#[tokio::test]
async fn other_machine_types() {
    use vthost_qemu::Binary;
    use vthost_qemu::spec::Arch;
    for (machine, arch) in [
        ("microvm", Arch::X86_64),
        ("virt", Arch::Aarch64),
        ("arm64-mmio:virt", Arch::Aarch64),
        ("virt", Arch::Riscv64),
        ("riscv64-mmio:virt", Arch::Riscv64),
        ("pseries", Arch::Ppc64),
        ("s390-ccw-virtio", Arch::S390x),
    ] {
        let bench = Bench::new();
        let binary = Binary::probe_for(arch, None)
            .unwrap_or_else(|error| panic!("these tests need the emulators: {error}"));
        let spec = MachineSpec {
            machine: MachineType::parse(machine, arch).expect("a machine type"),
            accel: AccelChoice::Tcg,
            memory_mib: 512,
            drives: vec![
                raw(&bench, "disk1", DriveInterface::VirtioBlk),
                raw(&bench, "disk2", DriveInterface::VirtioScsi),
            ],
            nics: vec![Nic::virtio_user("nic1", &[22])],
            balloon: Some(vthost_qemu::spec::Balloon::default()),
            ..MachineSpec::new("vm1")
        };
        let started = Machine::start(spec, &binary, bench.paths()).await;
        let running = started.unwrap_or_else(|error| panic!("{machine} of {arch}: {error:#?}"));
        let state = running.state().await.expect("it answers");
        assert_eq!(state, MachineState::Prelaunch, "{machine} of {arch}");
        assert!(running.serial("serial0").is_some());
        ended(running).await;
    }
}

/// The firmware of the board is the smallest thing that runs on it.
#[tokio::test]
async fn a_riscv_board_runs() {
    use vthost_qemu::Binary;
    use vthost_qemu::spec::Arch;
    let bench = Bench::new();
    let binary = Binary::probe_for(Arch::Riscv64, None)
        .unwrap_or_else(|error| panic!("these tests need the emulators: {error}"));
    let spec = MachineSpec {
        machine: MachineType::parse("virt", Arch::Riscv64).expect("a machine type"),
        accel: AccelChoice::Tcg,
        memory_mib: 256,
        ..MachineSpec::new("vm1")
    };
    let started = Machine::start(spec, &binary, bench.paths()).await;
    let machine = started.unwrap_or_else(|error| panic!("{error:#?}"));
    let serial = machine.serial("serial0").expect("a console");
    let mut console = serial.subscribe(vthost_qemu::serial::Replay::All);
    machine.cont().await.expect("it runs");
    let banner = regex::bytes::Regex::new("OpenSBI v[0-9]").expect("an expression");
    let said = console.wait_for(&banner, LONG).await;
    said.unwrap_or_else(|error| panic!("no firmware: {error}"));
    ended(machine).await;
}
