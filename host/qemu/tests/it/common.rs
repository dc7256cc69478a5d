//! A guest of one sector, and the machines to run it in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vthost_qemu::spec::{AccelChoice, Drive, DriveFormat, DriveInterface, MachineSpec, Vga};
use vthost_qemu::{Binary, Machine, Paths, StartError};

/// Enough for the slowest step on a busy host; nothing waits that long when all is well.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A boot sector: prints `vthost boot sector` and a prompt on COM1, then echoes what is typed. `!` powers off (ACPI,
/// port 0x604), `?` reports a panic (pvpanic, port 0x505).
const BOOT_SECTOR: [u8; 100] = [
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x4d, 0x7c, // cli; ds = 0; si = message
    0xac, 0x84, 0xc0, 0x74, 0x16, 0xe8, 0x02, 0x00, 0xeb, 0xf6, // print until zero
    0x88, 0xc4, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb, // put: wait for room
    0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee, 0xc3, // write; ret
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8, // echo: wait for input
    0xba, 0xf8, 0x03, 0xec, 0x3c, 0x21, 0x74, 0x09, // read; `!`: off
    0x3c, 0x3f, 0x74, 0x0e, 0xe8, 0xd8, 0xff, 0xeb, 0xe7, // `?`: panic; else echo
    0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xde, // off
    0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xeb, 0xd6, // panic
    b'v', b't', b'h', b'o', b's', b't', b' ', b'b', b'o', b'o', b't', b' ', b's', b'e', b'c', b't',
    b'o', b'r', b'\r', b'\n', b'>', b' ', 0,
];

/// The directories of one test.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn paths(&self) -> Paths {
        Paths::new(self.path().join("run"), self.path().join("logs")).expect("absolute paths")
    }

    /// A file with the boot sector.
    pub(crate) fn disk(&self) -> PathBuf {
        let path = self.path().join("boot.raw");
        let mut sector = vec![0; 1 << 20];
        sector[..BOOT_SECTOR.len()].copy_from_slice(&BOOT_SECTOR);
        sector[510..512].copy_from_slice(&[0x55, 0xaa]);
        fs::write(&path, sector).expect("a disk");
        path
    }

    /// A small TCG machine that boots the sector.
    pub(crate) fn bootable(&self, name: &str) -> MachineSpec {
        let disk = Drive::disk(
            "disk1",
            self.disk(),
            DriveFormat::Raw,
            DriveInterface::VirtioBlk,
        );
        MachineSpec {
            drives: vec![disk],
            ..bare(name)
        }
    }

    pub(crate) async fn start(&self, spec: MachineSpec) -> Result<Machine, StartError> {
        Machine::start(spec, &binary(), self.paths()).await
    }

    /// Starts it; the whole chain of errors is the message of a failure.
    pub(crate) async fn started(&self, spec: MachineSpec) -> Machine {
        match self.start(spec).await {
            Ok(machine) => machine,
            Err(error) => panic!("the machine did not start: {error:#?}"),
        }
    }
}

/// A small TCG machine without a disk.
pub(crate) fn bare(name: &str) -> MachineSpec {
    MachineSpec {
        accel: AccelChoice::Tcg,
        memory_mib: 32,
        vga: Vga::Std,
        ..MachineSpec::new(name)
    }
}

/// QEMU is needed: its absence is a failure, not a reason to pass.
pub(crate) fn binary() -> Binary {
    match Binary::probe(None) {
        Ok(binary) => binary,
        Err(error) => panic!("these tests need QEMU: {error}"),
    }
}

pub(crate) fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Waits until a process that is not a child of this one, and so cannot be waited for, has ended.
pub(crate) fn wait_gone(pid: u32) {
    let begun = Instant::now();
    while alive(pid) {
        assert!(begun.elapsed() < LONG, "process {pid} still runs");
        std::thread::yield_now();
    }
}
