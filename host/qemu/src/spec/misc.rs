//! The other devices.

use std::path::PathBuf;

use serde::Serialize;

/// A virtio memory balloon. What is `None` is left to QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Balloon {
    /// Give memory back when the guest runs out of it.
    pub deflate_on_oom: Option<bool>,
    /// Let the guest tell which pages are free.
    pub free_page_reporting: Option<bool>,
}

/// A watchdog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watchdog {
    /// QEMU's device: `i6300esb`, `ib700`, `diag288`; `itco` is the one that q35 has.
    pub model: String,
    /// What QEMU does when it fires.
    pub action: WatchdogAction,
}

/// What QEMU does when the watchdog fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchdogAction {
    /// Reset the machine.
    #[default]
    Reset,
    /// Ask the guest to shut down.
    Shutdown,
    /// End it.
    Poweroff,
    /// Pause it.
    Pause,
    /// Only tell.
    Debug,
    /// Do nothing.
    None,
    /// Send the guest an NMI.
    InjectNmi,
}

impl WatchdogAction {
    /// QEMU's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Shutdown => "shutdown",
            Self::Poweroff => "poweroff",
            Self::Pause => "pause",
            Self::Debug => "debug",
            Self::None => "none",
            Self::InjectNmi => "inject-nmi",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Reset,
            Self::Shutdown,
            Self::Poweroff,
            Self::Pause,
            Self::Debug,
            Self::None,
            Self::InjectNmi,
        ]
        .into_iter()
        .find(|action| action.name() == name)
    }
}

/// A random number generator besides the one of [`crate::MachineSpec::rng`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rng {
    /// Its id.
    pub id: String,
    /// Where the numbers come from.
    pub source: RngSource,
    /// At most so many bytes per period. Default: no bound.
    pub max_bytes: Option<u64>,
    /// The period in ms.
    pub period_ms: Option<u32>,
}

/// Where random numbers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RngSource {
    /// QEMU's own generator.
    Builtin,
    /// A device of the host, such as `/dev/urandom`.
    File(PathBuf),
}

/// A trusted platform module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tpm {
    /// Its id.
    pub id: String,
    /// QEMU's device: `tpm-crb`, `tpm-tis`, `tpm-tis-device`, `tpm-spapr`.
    pub model: String,
    /// What is behind it.
    pub backend: TpmBackend,
}

/// What is behind a TPM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TpmBackend {
    /// `swtpm`, started with the machine, its state in the run directory.
    Emulator {
        /// The program. Default: `swtpm` from `PATH`.
        program: Option<PathBuf>,
        /// TPM 2.0 instead of 1.2.
        version2: bool,
    },
    /// A device of the host.
    Passthrough(PathBuf),
}

/// A directory of the host that the guest can mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filesystem {
    /// Its id.
    pub id: String,
    /// The directory.
    pub source: PathBuf,
    /// The tag by which the guest mounts it.
    pub tag: String,
    /// How it gets there.
    pub driver: FsDriver,
    /// Refuse writes.
    pub read_only: bool,
}

/// How a directory gets into the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsDriver {
    /// 9p, served by QEMU itself.
    NineP {
        /// `none`, `mapped-xattr`, `mapped-file` or `passthrough`.
        security_model: String,
        /// Bring what is written to the disk at once.
        immediate: bool,
    },
    /// virtiofs, served by `virtiofsd`, which is started with the machine. Needs shared memory.
    Virtiofs {
        /// The program. Default: where distributions put `virtiofsd`.
        program: Option<PathBuf>,
        /// Further arguments of the program.
        args: Vec<String>,
    },
}

/// A group of drives that share limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottleGroup {
    /// Its id.
    pub id: String,
    /// Limits by QEMU's names: `iops-total`, `bps-read`, `bps-total-max`, ...
    pub limits: Vec<(String, u64)>,
}
