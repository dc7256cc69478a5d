//! Whole command lines, as they are shown to the user, and the ways in which a value could try to get out of its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::SpecError;
use crate::binary::{Binary, Version};
use crate::files::Paths;
use crate::spec::{
    AccelChoice, Balloon, Boot, Cache, DirectKernel, Display, Drive, DriveFormat, DriveInterface,
    HostForward, Mac, MachineSpec, MachineType, Netdev, Nic, PowerOff, Rtc, RtcBase, RtcClock,
    Serial, SerialKind, Smp, UsbController, UsbDevice, UsbModel, UserNet, Vga,
};

fn binary() -> Binary {
    Binary::assumed(
        "/usr/bin/qemu-system-x86_64",
        Version {
            major: 7,
            minor: 2,
            micro: 0,
        },
    )
}

fn paths() -> Paths {
    Paths::new("/run/vthost/vm1", "/results/vm1").expect("both are absolute")
}

fn tcg(name: &str) -> MachineSpec {
    MachineSpec {
        accel: AccelChoice::Tcg,
        ..MachineSpec::new(name)
    }
}

/// The command line as shown, with the directory of the test's images called `/images`.
fn shown(spec: &MachineSpec, images: &Path) -> String {
    let line = spec
        .command_line(&binary(), &paths())
        .expect("the specification is valid");
    line.to_string()
        .replace(&images.display().to_string(), "/images")
}

fn images(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for name in names {
        fs::write(dir.path().join(name), b"").expect("an image");
    }
    dir
}

#[test]
fn a_plain_q35_machine() {
    let dir = images(&["jeos.qcow2"]);
    let mut spec = tcg("vm1");
    spec.smp = Smp::cpus(2);
    spec.memory_mib = 1024;
    let path = dir.path().join("jeos.qcow2");
    spec.drives = vec![Drive::disk(
        "image1",
        path,
        DriveFormat::Qcow2,
        DriveInterface::VirtioBlk,
    )];
    spec.nics = vec![Nic::virtio_user("nic1", &[22])];
    insta::assert_snapshot!(shown(&spec, dir.path()));
}

#[test]
fn a_pc_machine_with_one_of_everything() {
    let dir = images(&[
        "a.raw",
        "b.qcow2",
        "c.vmdk",
        "d.iso",
        "vmlinuz",
        "initrd",
        "base, with comma.raw",
    ]);
    let at = |name: &str| dir.path().join(name);
    let mut spec = tcg("vm-2");
    spec.uuid = Some("01234567-89ab-cdef-0123-456789abcdef".to_owned());
    spec.machine = MachineType::pc();
    spec.cpu = Some("qemu64,+ssse3,hv_relaxed=on".parse().expect("valid"));
    spec.smp = Smp {
        sockets: 2,
        cores: 2,
        ..Smp::cpus(1)
    };
    spec.vga = Vga::Cirrus;
    spec.display = Display::VncUnix;
    spec.balloon = Some(Balloon::default());
    spec.usb_controllers = vec![UsbController {
        ports: None,
        id: "usb1".to_owned(),
        model: UsbModel::Xhci,
        address: None,
    }];
    spec.usb_devices = vec![UsbDevice {
        id: "tablet1".to_owned(),
        driver: "usb-tablet".to_owned(),
        controller: None,
        port: None,
    }];
    spec.power_off = PowerOff::Pause;
    spec.incoming = true;
    spec.rtc = Rtc {
        base: RtcBase::Localtime,
        clock: RtcClock::Vm,
        slew: true,
    };
    spec.boot = Boot {
        order: Some("cdn".to_owned()),
        once: Some("d".to_owned()),
        menu: true,
        strict: true,
        ..Boot::default()
    };
    spec.serials = vec![
        Serial::isa("serial0"),
        Serial {
            name: "hvc".to_owned(),
            kind: SerialKind::Virtio,
        },
        Serial {
            name: "seabios".to_owned(),
            kind: SerialKind::FirmwareLog,
        },
    ];
    spec.drives = vec![
        Drive {
            cache: Cache::None,
            boot_index: Some(0),
            ..Drive::disk("disk1", at("a.raw"), DriveFormat::Raw, DriveInterface::Ide)
        },
        Drive {
            cache: Cache::Directsync,
            serial: Some("SN-1".to_owned()),
            ..Drive::disk(
                "disk2",
                at("b.qcow2"),
                DriveFormat::Qcow2,
                DriveInterface::VirtioScsi,
            )
        },
        Drive {
            snapshot: true,
            ..Drive::disk(
                "disk3",
                at("c.vmdk"),
                DriveFormat::Vmdk,
                DriveInterface::VirtioBlk,
            )
        },
        Drive::cdrom("cd1", at("d.iso"), DriveInterface::Ide),
        Drive {
            read_only: true,
            cache: Cache::Unsafe,
            ..Drive::disk(
                "disk4",
                at("base, with comma.raw"),
                DriveFormat::Raw,
                DriveInterface::VirtioScsi,
            )
        },
    ];
    let forwards = vec![
        HostForward {
            host: Some(5022),
            guest: 22,
        },
        HostForward {
            host: None,
            guest: 80,
        },
    ];
    spec.nics = vec![
        Nic {
            model: "rtl8139".to_owned(),
            mac: Some(Mac::local(0x123456)),
            netdev: Netdev::User {
                forwards,
                restrict: true,
                options: UserNet::default(),
            },
            ..Nic::virtio_user("nic1", &[])
        },
        Nic {
            model: "virtio".to_owned(),
            boot_index: Some(1),
            netdev: Netdev::Tap {
                ifname: Some("tap0".to_owned()),
                bridge: Some("br0".to_owned()),
                vhost: false,
            },
            ..Nic::virtio_user("nic2", &[])
        },
    ];
    spec.kernel = Some(DirectKernel {
        kernel: at("vmlinuz"),
        initrd: Some(at("initrd")),
        append: Some("console=ttyS0 it's=1,2".to_owned()),
    });
    spec.extra_args = vec![
        "-device".to_owned(),
        "isa-debug-exit,iobase=0xf4".to_owned(),
    ];
    spec.sandbox = false;
    insta::assert_snapshot!(shown(&spec, dir.path()));
}

#[test]
fn channels_become_descriptors_in_order() {
    let line = tcg("vm1").command_line(&binary(), &paths()).expect("valid");
    assert_eq!(
        line.channels(),
        ["qmp_main", "chardev_serial0", "chardev_agent0"]
    );
    let numbers = |id: &str| if id == "qmp_main" { 7 } else { 8 };
    let args = line.args(numbers);
    let sockets: Vec<_> = args
        .iter()
        .filter_map(|arg| arg.to_str())
        .filter(|arg| arg.starts_with("socket"))
        .collect();
    assert_eq!(
        sockets,
        [
            "socket,id=qmp_main,fd=7",
            "socket,id=chardev_serial0,fd=8",
            "socket,id=chardev_agent0,fd=8"
        ]
    );
}

#[test]
fn each_virtio_device_on_q35_has_a_root_port_and_many_fill_several_slots() {
    let names: Vec<String> = (0..10).map(|n| format!("image{n}")).collect();
    let dir = images(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let disk = |name: &String| {
        Drive::disk(
            name,
            dir.path().join(name),
            DriveFormat::Raw,
            DriveInterface::VirtioBlk,
        )
    };
    let spec = MachineSpec {
        drives: names.iter().map(disk).collect(),
        ..tcg("vm1")
    };
    let line = shown(&spec, dir.path());
    let ports: Vec<&str> = line
        .lines()
        .filter(|line| line.contains(r#""driver":"pcie-root-port""#))
        .collect();
    // Ten disks, the virtio-serial controller, the random number generator, two spare ones.
    assert_eq!(ports.len(), 14, "{line}");
    let eighth = r#""addr":"0x3.0x0","multifunction":true"#;
    assert!(ports[8].contains(eighth), "{}", ports[8]);
    let last =
        r#""id":"pcie_extra_root_port_1","bus":"pcie.0","chassis":14,"port":13,"addr":"0x3.0x5""#;
    assert!(ports[13].contains(last), "{}", ports[13]);
    for port in 0..12 {
        let users = line
            .lines()
            .filter(|line| line.contains(&format!(r#""bus":"pcie-root-port-{port}""#)))
            .count();
        assert_eq!(users, 1, "port {port} in {line}");
    }
}

#[test]
fn a_value_cannot_bring_in_a_key() {
    let dir = images(&[r#"evil,readonly=off","driver":"nbd.raw"#]);
    let path = dir.path().join(r#"evil,readonly=off","driver":"nbd.raw"#);
    let disk = Drive::disk(
        "image1",
        path.clone(),
        DriveFormat::Raw,
        DriveInterface::VirtioBlk,
    );
    let spec = MachineSpec {
        drives: vec![disk],
        ..tcg("vm1")
    };
    let line = spec.command_line(&binary(), &paths()).expect("valid");
    let args = line.args(|_| 0);
    let nodes: Vec<serde_json::Value> = args
        .windows(2)
        .filter(|pair| pair[0] == "-blockdev")
        .map(|pair| serde_json::from_str(pair[1].to_str().expect("text")).expect("JSON"))
        .collect();
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes[0]["filename"], path.to_str().expect("text"));
    assert_eq!(nodes[0]["driver"], "file");
}

#[test]
fn words_are_quoted_for_the_shell() {
    let words = ["-m", "", "a b", "it's", "$HOME", "a\nb'\\", "=x,y"];
    let quoted: Vec<String> = words.iter().map(|word| quoted(OsStr::new(word))).collect();
    assert_eq!(
        quoted,
        [
            "-m",
            "''",
            "'a b'",
            r"'it'\''s'",
            "'$HOME'",
            r"$'a\x0ab\'\\'",
            "=x,y"
        ]
    );
    assert_eq!(super::quoted(OsStr::from_bytes(b"a\xff")), r"$'a\xff'");
}

/// The script, run by a real shell, passes the very arguments that QEMU gets.
#[test]
fn the_script_says_what_is_run() {
    let dir = images(&["it's a 'disk', $HOME \\ `x`\n.raw"]);
    let program = dir.path().join("show arguments");
    fs::write(&program, "#!/bin/bash\nprintf '%s\\0' \"$@\"\n").expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = dir.path().join("it's a 'disk', $HOME \\ `x`\n.raw");
    let disk = Drive::disk("image1", path, DriveFormat::Raw, DriveInterface::VirtioBlk);
    let mut spec = MachineSpec {
        drives: vec![disk],
        ..tcg("vm1")
    };
    spec.extra_args = ["", "a\tb", "*", "~", "#", "\u{e9}"]
        .map(str::to_owned)
        .to_vec();
    let binary = Binary::assumed(&program.display().to_string(), binary().version());
    let line = spec.command_line(&binary, &paths()).expect("valid");
    let script = dir.path().join("script");
    fs::write(&script, line.to_string()).expect("a script");
    let shown = std::process::Command::new("bash")
        .arg(&script)
        .output()
        .expect("a shell");
    let shown: Vec<&[u8]> = shown
        .stdout
        .strip_suffix(b"\0")
        .expect("output")
        .split(|&byte| byte == 0)
        .collect();
    let args = line.args(|_| 0);
    assert_eq!(shown.len(), args.len());
    for (shown, arg) in shown.into_iter().zip(&args) {
        // The sockets are paths in the script, descriptors in the arguments.
        if !arg.as_bytes().starts_with(b"socket,") {
            assert_eq!(OsStr::from_bytes(shown), arg);
        }
    }
}

#[test]
fn a_socket_path_that_is_too_long_is_found_before_the_start() {
    let long =
        Paths::new(format!("/run/{}", "x".repeat(100)), "/results").expect("both are absolute");
    let spec = MachineSpec {
        display: Display::VncUnix,
        ..tcg("vm1")
    };
    let error = spec.command_line(&binary(), &long).expect_err("too long");
    assert!(matches!(error, SpecError::SocketPath { .. }), "{error}");
}

#[test]
fn kvm_by_name_works_or_says_why_not() {
    let spec = MachineSpec {
        accel: AccelChoice::Kvm,
        ..MachineSpec::new("vm1")
    };
    match spec.command_line(&binary(), &paths()) {
        Ok(line) => assert_eq!(line.accel(), Accel::Kvm),
        Err(error) => assert!(
            error.to_string().contains(&crate::accel::usable().reason),
            "{error}"
        ),
    }
}
