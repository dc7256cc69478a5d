//! The smaller parts of a machine.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use crate::error::SpecError;

/// Which accelerator a machine uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccelChoice {
    /// KVM where it really works, else TCG.
    #[default]
    Auto,
    /// KVM; an error where it does not work.
    Kvm,
    /// TCG, everywhere.
    Tcg,
}

/// The family of a machine type, which decides about its buses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Chipset {
    /// PCI Express, SATA.
    Q35,
    /// i440FX: PCI, parallel IDE.
    Pc,
}

/// A machine type of QEMU: `q35`, `pc`, or a versioned one such as `pc-q35-7.2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineType {
    chipset: Chipset,
    name: String,
}

impl MachineType {
    /// The newest q35 of the binary.
    #[must_use]
    pub fn q35() -> Self {
        Self {
            chipset: Chipset::Q35,
            name: "q35".to_owned(),
        }
    }

    /// The newest i440FX of the binary.
    #[must_use]
    pub fn pc() -> Self {
        Self {
            chipset: Chipset::Pc,
            name: "pc".to_owned(),
        }
    }

    /// Its family.
    #[must_use]
    pub fn chipset(&self) -> Chipset {
        self.chipset
    }

    /// Its name for QEMU.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for MachineType {
    type Err = SpecError;

    /// Takes `q35`, `pc`, `i440fx`, `pc-q35-<version>` and `pc-i440fx-<version>`.
    fn from_str(name: &str) -> Result<Self, SpecError> {
        let versioned = |prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|version: &str| is_word(version))
        };
        let (chipset, name) = match name {
            "q35" => (Chipset::Q35, name),
            "pc" | "i440fx" => (Chipset::Pc, "pc"),
            _ if versioned("pc-q35-") => (Chipset::Q35, name),
            _ if versioned("pc-i440fx-") => (Chipset::Pc, name),
            _ => {
                return Err(SpecError::Value {
                    field: "machine type".to_owned(),
                    value: name.to_owned(),
                    rule: "it has to be q35, pc, pc-q35-<version> or pc-i440fx-<version>"
                        .to_owned(),
                });
            }
        };
        Ok(Self {
            chipset,
            name: name.to_owned(),
        })
    }
}

/// A processor model with its features: `Nehalem,+rdrand`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CpuModel(String);

impl CpuModel {
    /// The text for `-cpu`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The processor of the host, as far as KVM can pass it on.
    pub(crate) fn host() -> Self {
        Self("host".to_owned())
    }

    /// The model with which guests start fastest under TCG; without `rdrand` they wait for entropy.
    pub(crate) fn fast_tcg() -> Self {
        Self("Nehalem,+rdrand".to_owned())
    }
}

impl fmt::Display for CpuModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CpuModel {
    type Err = SpecError;

    /// Takes a model, then features `+name`, `-name` or `name=value`, separated by commas.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let model_ok = parts.next().is_some_and(is_word);
        let features_ok = parts.all(|feature| match feature.split_once('=') {
            Some((name, value)) => is_word(name) && is_word(value),
            None => feature.strip_prefix(['+', '-']).is_some_and(is_word),
        });
        if model_ok && features_ok {
            return Ok(Self(text.to_owned()));
        }
        Err(SpecError::Value {
            field: "cpu model".to_owned(),
            value: text.to_owned(),
            rule: "it has to be a model, then features as +name, -name or name=value, separated by commas".to_owned(),
        })
    }
}

/// Letters, digits and the marks that QEMU's own names are made of; no comma, no `=`, no space.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Processors. The product of sockets, cores and threads is what can be plugged in; `cpus` of them are there at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Smp {
    /// Processors at start.
    pub cpus: u32,
    /// Cores per socket.
    pub cores: u32,
    /// Threads per core.
    pub threads: u32,
    /// Sockets.
    pub sockets: u32,
}

impl Smp {
    /// `count` cores in one socket.
    #[must_use]
    pub fn cpus(count: u32) -> Self {
        Self {
            cpus: count,
            cores: count,
            threads: 1,
            sockets: 1,
        }
    }
}

/// Video adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Vga {
    /// No adapter; screendumps fail.
    None,
    /// Bochs VGA, known to every guest.
    Std,
    /// Cirrus Logic GD5446.
    Cirrus,
    /// virtio-vga.
    Virtio,
    /// QXL.
    Qxl,
    /// VMware SVGA II.
    Vmware,
}

/// Where the screen is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Display {
    /// Nowhere.
    None,
    /// VNC on a UNIX socket in the run directory: [`crate::Machine::vnc_socket`].
    VncUnix,
}

/// A console of the guest. What it prints is logged, and can be read and answered: [`crate::Machine::serial`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Serial {
    /// Its id: a letter, then letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its device.
    pub kind: SerialKind,
}

impl Serial {
    /// An ISA serial port.
    #[must_use]
    pub fn isa(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: SerialKind::Isa,
        }
    }
}

/// The device behind a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SerialKind {
    /// A 16550A, `ttyS0` to `ttyS3` in a Linux guest; at most four.
    Isa,
    /// A virtio console, `hvc0` and up.
    Virtio,
    /// The debug port 0x402, to which SeaBIOS and OVMF write their logs. Output only; at most one.
    FirmwareLog,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_models_take_features_and_nothing_else() {
        for good in [
            "host",
            "Nehalem,+rdrand",
            "EPYC-v1,-svm,xlevel=0x8000000a",
            "qemu64,hv_relaxed=on",
        ] {
            assert_eq!(good.parse::<CpuModel>().expect("valid").as_str(), good);
        }
        for bad in [
            "",
            "host,",
            "host,rdrand",
            "host +x",
            "a=b",
            ",+x",
            "host,+",
            "-host",
            "host,a=",
            "max,a=b=c",
        ] {
            let error = bad.parse::<CpuModel>().expect_err(bad);
            assert!(error.to_string().starts_with("cpu model is "), "{error}");
        }
    }

    #[test]
    fn machine_types_know_their_chipset() {
        let chipset = |name: &str| {
            name.parse::<MachineType>()
                .map(|machine| machine.chipset())
                .ok()
        };
        assert_eq!(chipset("q35"), Some(Chipset::Q35));
        assert_eq!(chipset("pc-q35-7.2"), Some(Chipset::Q35));
        assert_eq!(chipset("i440fx"), Some(Chipset::Pc));
        assert_eq!(chipset("pc-i440fx-2.11"), Some(Chipset::Pc));
        for bad in [
            "",
            "microvm",
            "pc-q35-",
            "q35,accel=kvm",
            "pc-q35-7.2,firmware=/etc/shadow",
        ] {
            assert_eq!(chipset(bad), None, "{bad}");
        }
    }
}
