//! Firmware, clock, and what the machine begins and ends with.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Serialize, Serializer};

use crate::error::SpecError;

/// Firmware other than the machine type's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// The machine type's own.
    #[default]
    Default,
    /// A file, by `-bios`.
    Bios(PathBuf),
    /// UEFI in flash: code that is only read, and a file of variables that belongs to this machine.
    Pflash {
        /// `OVMF_CODE.fd`, `AAVMF_CODE.fd`.
        code: PathBuf,
        /// A copy of `OVMF_VARS.fd`, written to.
        vars: Option<PathBuf>,
    },
}

/// Real-time clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rtc {
    /// What the clock shows.
    pub base: RtcBase,
    /// What drives it.
    pub clock: RtcClock,
    /// Re-inject lost ticks (`driftfix=slew`), which old Windows guests need. Default: false.
    pub slew: bool,
}

/// What the real-time clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtcBase {
    /// UTC.
    #[default]
    Utc,
    /// The host's local time, for Windows guests.
    Localtime,
    /// This time, whenever the machine starts.
    #[serde(serialize_with = "shown")]
    At(DateTime),
}

/// As QEMU takes it: `2006-06-17T16:01:21`.
fn shown<S: Serializer>(time: &DateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

impl FromStr for RtcBase {
    type Err = SpecError;

    /// Takes `utc`, `localtime`, `2006-06-17` and `2006-06-17T16:01:21`.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text {
            "utc" => Ok(Self::Utc),
            "localtime" => Ok(Self::Localtime),
            _ => text.parse().map(Self::At).map_err(|_| SpecError::Value {
                field: "rtc base".to_owned(),
                value: text.to_owned(),
                rule: "it has to be utc, localtime or a time as 2006-06-17T16:01:21".to_owned(),
            }),
        }
    }
}

/// What drives the real-time clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtcClock {
    /// The host's wall clock.
    #[default]
    Host,
    /// The host's monotonic clock.
    Rt,
    /// The machine's own time, which stands still while it is paused.
    Vm,
}

/// Boot order of the firmware. The letters are QEMU's: `a` floppy, `c` disk, `d` CD-ROM, `n` network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Boot {
    /// Order of devices. Default: QEMU's own.
    pub order: Option<String>,
    /// Order at the first boot only. Default: as `order`.
    pub once: Option<String>,
    /// Show the boot menu. Default: false.
    pub menu: bool,
    /// Boot from devices with a boot index only. Default: false.
    pub strict: bool,
    /// How long the boot menu waits, in ms. Default: the firmware's own.
    pub splash_ms: Option<u16>,
    /// After how many ms to try again if nothing could be booted. Default: never.
    pub reboot_ms: Option<u16>,
}

/// A Linux kernel that QEMU loads itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectKernel {
    /// The kernel: a bzImage, or an uncompressed ELF with a PVH entry.
    pub kernel: PathBuf,
    /// Initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// Kernel command line.
    pub append: Option<String>,
}

/// What happens when the guest powers off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerOff {
    /// QEMU ends; [`crate::Machine::wait_exit`] returns.
    #[default]
    Exit,
    /// QEMU stays, in the state [`crate::MachineState::Shutdown`], and can be reset.
    Pause,
}

/// One table of SMBIOS with its fields: `type=1,serial=...`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smbios {
    /// 0 (firmware) to 4 (processor), 11, 17, ...
    pub table: u8,
    /// Fields by QEMU's names.
    pub fields: Vec<(String, String)>,
}
