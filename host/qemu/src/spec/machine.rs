//! Machine types, and what makes a machine besides its devices.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::is_word;
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

/// The architecture of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit PC.
    #[default]
    X86_64,
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit RISC-V.
    Riscv64,
    /// IBM Z.
    S390x,
    /// 64-bit POWER.
    Ppc64,
}

impl Arch {
    /// Its name as QEMU's binaries end in it: `qemu-system-<name>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Ppc64 => "ppc64",
        }
    }

    /// The architecture of that name; `arm64`, `ppc64le` and `i386` are understood, too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "x86_64" | "i386" | "i686" => Self::X86_64,
            "aarch64" | "arm64" => Self::Aarch64,
            "riscv64" => Self::Riscv64,
            "s390x" => Self::S390x,
            "ppc64" | "ppc64le" => Self::Ppc64,
            _ => return None,
        })
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The family of a machine type, which decides about its buses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chipset {
    /// PCI Express, SATA.
    Q35,
    /// i440FX: PCI, parallel IDE.
    Pc,
    /// x86 without PCI: virtio by memory-mapped registers.
    Microvm,
    /// The `virt` boards of ARM and RISC-V, with PCI Express.
    VirtPci,
    /// The same boards, with virtio by memory-mapped registers.
    VirtMmio,
    /// POWER: PCI behind the hypervisor's bridge.
    Pseries,
    /// IBM Z: channel devices.
    Ccw,
}

/// A machine type of QEMU: `q35`, `pc`, or a versioned one such as `pc-q35-7.2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineType {
    arch: Arch,
    chipset: Chipset,
    name: String,
}

impl MachineType {
    /// The newest q35 of the binary.
    #[must_use]
    pub fn q35() -> Self {
        Self::known(Arch::X86_64, Chipset::Q35, "q35")
    }

    /// The newest i440FX of the binary.
    #[must_use]
    pub fn pc() -> Self {
        Self::known(Arch::X86_64, Chipset::Pc, "pc")
    }

    fn known(arch: Arch, chipset: Chipset, name: &str) -> Self {
        Self {
            arch,
            chipset,
            name: name.to_owned(),
        }
    }

    /// The machine type of that name on an architecture. Besides QEMU's own names the reference's `board:name` is taken:
    /// `arm64-pci:virt`, `arm64-mmio:virt`, `riscv64-mmio:virt`; the board decides about buses and architecture.
    ///
    /// # Errors
    /// [`SpecError::Value`] for a name whose buses are not known.
    pub fn parse(text: &str, arch: Arch) -> Result<Self, SpecError> {
        let (board, name) = text.split_once(':').unwrap_or(("", text));
        let versioned = |prefix: &str| name.strip_prefix(prefix).is_some_and(is_word);
        let virt = name == "virt" || versioned("virt-");
        let found = match board {
            "" | "i440fx" | "q35" | "s390" | "pseries" => match name {
                "q35" => Some((Arch::X86_64, Chipset::Q35)),
                "pc" | "i440fx" => Some((Arch::X86_64, Chipset::Pc)),
                "microvm" => Some((Arch::X86_64, Chipset::Microvm)),
                _ if versioned("pc-q35-") => Some((Arch::X86_64, Chipset::Q35)),
                _ if versioned("pc-i440fx-") => Some((Arch::X86_64, Chipset::Pc)),
                _ if name == "pseries" || versioned("pseries-") => {
                    Some((Arch::Ppc64, Chipset::Pseries))
                }
                _ if name == "s390-ccw-virtio" || versioned("s390-ccw-virtio-") => {
                    Some((Arch::S390x, Chipset::Ccw))
                }
                _ if virt && matches!(arch, Arch::Aarch64 | Arch::Riscv64) => {
                    Some((arch, Chipset::VirtPci))
                }
                _ => None,
            },
            "arm64-pci" if virt => Some((Arch::Aarch64, Chipset::VirtPci)),
            "arm64-mmio" if virt => Some((Arch::Aarch64, Chipset::VirtMmio)),
            "riscv64-pci" if virt => Some((Arch::Riscv64, Chipset::VirtPci)),
            "riscv64-mmio" if virt => Some((Arch::Riscv64, Chipset::VirtMmio)),
            _ => None,
        };
        let name = if name == "i440fx" { "pc" } else { name };
        match found {
            Some((arch, chipset)) => Ok(Self::known(arch, chipset, name)),
            None => Err(SpecError::Value {
                field: "machine type".to_owned(),
                value: text.to_owned(),
                rule: format!(
                    "it has to be q35, pc, pc-q35-<version>, pc-i440fx-<version>, microvm, virt (of aarch64 and riscv64, not {arch}), arm64-mmio:virt, riscv64-mmio:virt, pseries or s390-ccw-virtio"
                ),
            }),
        }
    }

    /// Its architecture.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.arch
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

    /// [`MachineType::parse`] for a PC.
    fn from_str(name: &str) -> Result<Self, SpecError> {
        Self::parse(name, Arch::X86_64)
    }
}

/// An IOMMU for the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Iommu {
    /// Intel's, on q35: with these properties.
    Intel(Vec<(String, String)>),
    /// virtio-iommu, on PCI.
    Virtio(Vec<(String, String)>),
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(chipset("microvm"), Some(Chipset::Microvm));
        assert_eq!(chipset("arm64-mmio:virt"), Some(Chipset::VirtMmio));
        for bad in [
            "",
            "virt",
            "arm64-pci:pc",
            "pc-q35-",
            "q35,accel=kvm",
            "pc-q35-7.2,firmware=/etc/shadow",
        ] {
            assert_eq!(chipset(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_board_belongs_to_an_architecture() {
        let arch = |name: &str, arch| MachineType::parse(name, arch).map(|found| found.arch());
        assert_eq!(arch("virt", Arch::Aarch64).expect("valid"), Arch::Aarch64);
        assert_eq!(
            arch("virt-7.2", Arch::Riscv64).expect("valid"),
            Arch::Riscv64
        );
        assert_eq!(
            arch("arm64-pci:virt", Arch::X86_64).expect("valid"),
            Arch::Aarch64
        );
        assert_eq!(arch("pseries", Arch::X86_64).expect("valid"), Arch::Ppc64);
        assert_eq!(
            arch("s390-ccw-virtio", Arch::X86_64).expect("valid"),
            Arch::S390x
        );
        arch("virt", Arch::X86_64).expect_err("a PC has no such board");
    }
}
