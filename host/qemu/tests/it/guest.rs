//! A real Linux guest, driven through its first console.

use std::path::PathBuf;
use std::time::Duration;

use regex::bytes::Regex;
use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{
    AccelChoice, Balloon, Drive, DriveFormat, DriveInterface, Memory, Nic, Serial, SerialKind, Smp,
};
use vthost_qemu::{Machine, MachineSpec, SerialHandle};

use crate::common::Bench;
use crate::disk::qemu_img;

/// Enough for a boot under TCG on a busy host.
const BOOT: Duration = Duration::from_secs(300);

/// Enough for any command in the guest.
const COMMAND: Duration = Duration::from_secs(120);

/// The guest image that `vthost bootstrap` builds. Its absence is a failure, not a reason to pass.
fn image() -> PathBuf {
    let home = || std::env::home_dir().map(|home| home.join(".local/share"));
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(home).expect("a directory for data");
    let image = data.join("vthost/images/jeos-12-x86_64.qcow2");
    assert!(
        image.exists(),
        "these tests need {}; `vthost bootstrap` builds it",
        image.display()
    );
    image
}

/// A machine with an overlay over that image, and room for what is plugged in.
pub(crate) fn linux(bench: &Bench, name: &str) -> MachineSpec {
    bench.paths().create().expect("directories");
    let overlay = bench.paths().run_dir().join(format!("{name}.qcow2"));
    let (base, top) = (image(), overlay.to_str().expect("UTF-8"));
    let base = base.to_str().expect("UTF-8");
    qemu_img(&[
        "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, top,
    ]);
    let mut disk = Drive::disk(
        "disk1",
        &overlay,
        DriveFormat::Qcow2,
        DriveInterface::VirtioBlk,
    );
    disk.backing = vec![PathBuf::from(base)];
    MachineSpec {
        accel: AccelChoice::Tcg,
        smp: Smp {
            cpus: 1,
            ..Smp::cpus(2)
        },
        memory_mib: 256,
        memory: Memory {
            max_mib: Some(1024),
            slots: Some(4),
            ..Memory::default()
        },
        drives: vec![disk],
        nics: vec![Nic::virtio_user("nic1", &[22])],
        serials: vec![
            Serial::isa("serial0"),
            // So that there is a controller for ports that are plugged in.
            Serial {
                name: "port1".to_owned(),
                kind: SerialKind::VirtioPort {
                    name: None,
                    number: None,
                },
            },
        ],
        balloon: Some(Balloon::default()),
        spare_root_ports: 4,
        ..MachineSpec::new(name)
    }
}

/// A shell on the first console.
pub(crate) struct Shell(SerialHandle);

impl Shell {
    /// Waits for the guest and logs in.
    pub(crate) async fn login(machine: &Machine) -> Self {
        let serial = machine.serial("serial0").expect("a console").clone();
        let mut output = serial.subscribe(Replay::All);
        for (awaited, typed) in [
            ("login: ", "root\n"),
            ("assword: ", "123456\n"),
            ("# ", "stty -echo; dmesg -n 1; PS1=; echo re''ady\n"),
        ] {
            let seen = output.wait_for_bytes(awaited.as_bytes(), BOOT).await;
            if let Err(error) = seen {
                panic!("no {awaited:?}: {error}");
            }
            serial.write(typed.as_bytes()).expect("typed");
        }
        output
            .wait_for_bytes(b"ready", COMMAND)
            .await
            .expect("a shell");
        Self(serial)
    }

    /// The same shell in the machine that took over.
    pub(crate) fn of(machine: &Machine) -> Self {
        Self(machine.serial("serial0").expect("a console").clone())
    }

    /// Runs a command, and returns what it prints. Its failure is that of the test.
    pub(crate) async fn run(&self, command: &str) -> String {
        let mut output = self.0.subscribe(Replay::None);
        let line = format!("echo beg''in; {command}; echo en''d $?\n");
        self.0.write(line.as_bytes()).expect("typed");
        let frame = Regex::new(r"(?s)begin\r\n(.*)end (\d+)\r\n").expect("valid");
        let seen = match output.wait_for(&frame, COMMAND).await {
            Ok(seen) => seen,
            Err(error) => panic!("`{command}`: {error}"),
        };
        let found = frame.captures(&seen).expect("it matched");
        let said = String::from_utf8_lossy(&found[1]).replace("\r\n", "\n");
        assert_eq!(&found[2], b"0", "`{command}` failed: {said}");
        said
    }

    /// Waits until a condition is true in the guest, which asks itself.
    pub(crate) async fn until(&self, condition: &str) {
        let command = format!(
            "n=0; until {condition}; do n=$((n+1)); [ $n -lt 300 ] || break; sleep 0.2; done; {condition}"
        );
        self.run(&command).await;
    }
}
