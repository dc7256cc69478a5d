//! Formats, interfaces and modes of drives.

use serde::Serialize;

use super::UsbVersion;

/// Format of a disk image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriveFormat {
    /// QEMU's own.
    Qcow2,
    /// Plain bytes.
    Raw,
    /// VMware.
    Vmdk,
    /// VirtualBox.
    Vdi,
    /// Hyper-V.
    Vhdx,
    /// Virtual PC.
    Vpc,
    /// Old QEMU.
    Qed,
    /// Encrypted bytes, as `cryptsetup` has them.
    Luks,
}

impl DriveFormat {
    /// The name of QEMU's driver.
    #[must_use]
    pub fn driver(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
            Self::Vpc => "vpc",
            Self::Qed => "qed",
            Self::Luks => "luks",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Qcow2,
            Self::Raw,
            Self::Vmdk,
            Self::Vdi,
            Self::Vhdx,
            Self::Vpc,
            Self::Qed,
            Self::Luks,
        ]
        .into_iter()
        .find(|format| format.driver() == name)
    }
}

/// How a drive is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriveInterface {
    /// virtio-blk, a PCI device of its own.
    VirtioBlk,
    /// A disk on a shared virtio-scsi controller.
    VirtioScsi,
    /// A disk on a shared SCSI controller of another make.
    Scsi(ScsiHba),
    /// Parallel IDE on pc (at most 4), SATA on q35 (at most 6).
    Ide,
    /// SATA: the six ports of q35, or a controller that is added.
    Ahci,
    /// A memory stick on USB.
    Usb(UsbVersion),
    /// NVMe: a controller of its own, or a namespace of a shared one if `bus` is set.
    Nvme,
    /// A floppy drive (at most 2).
    Floppy,
}

/// SCSI controllers besides virtio-scsi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScsiHba {
    /// LSI 53C895A.
    Lsi,
    /// LSI MegaRAID.
    Megasas,
    /// LSI SAS 1068.
    Mptsas,
    /// VMware's.
    Pvscsi,
    /// AMD 53C974.
    Am53c974,
    /// POWER's virtual one.
    Spapr,
}

impl ScsiHba {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Lsi,
        Self::Megasas,
        Self::Mptsas,
        Self::Pvscsi,
        Self::Am53c974,
        Self::Spapr,
    ];

    /// The name of QEMU's device.
    #[must_use]
    pub fn driver(self) -> &'static str {
        match self {
            Self::Lsi => "lsi53c895a",
            Self::Megasas => "megasas",
            Self::Mptsas => "mptsas1068",
            Self::Pvscsi => "pvscsi",
            Self::Am53c974 => "am53c974",
            Self::Spapr => "spapr-vscsi",
        }
    }

    /// The controller of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hba| hba.driver() == name)
    }

    /// Targets that it has.
    #[must_use]
    pub fn targets(self) -> u32 {
        match self {
            Self::Lsi | Self::Am53c974 => 7,
            Self::Mptsas => 8,
            Self::Megasas | Self::Spapr | Self::Pvscsi => 64,
        }
    }
}

/// What kind of drive it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// A disk.
    Disk,
    /// A CD-ROM drive.
    Cdrom,
}

/// How QEMU reads and writes an image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aio {
    /// By threads.
    Threads,
    /// By Linux' asynchronous I/O; needs a cache mode without the host's page cache.
    Native,
    /// By `io_uring`.
    IoUring,
}

impl Aio {
    /// QEMU's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Native => "native",
            Self::IoUring => "io_uring",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Threads, Self::Native, Self::IoUring]
            .into_iter()
            .find(|aio| aio.name() == name)
    }
}

/// What QEMU does with writes of zeroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectZeroes {
    /// Writes them.
    Off,
    /// Marks the range as zero.
    On,
    /// Discards the range.
    Unmap,
}

impl DetectZeroes {
    /// QEMU's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Unmap => "unmap",
        }
    }
}

/// What QEMU does when a read or write of an image fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorPolicy {
    /// Tells the guest.
    Report,
    /// Says that all is well.
    Ignore,
    /// Stops the machine.
    Stop,
    /// Stops the machine if the disk of the host is full, else tells the guest.
    Enospc,
}

impl ErrorPolicy {
    /// QEMU's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Ignore => "ignore",
            Self::Stop => "stop",
            Self::Enospc => "enospc",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Report, Self::Ignore, Self::Stop, Self::Enospc]
            .into_iter()
            .find(|policy| policy.name() == name)
    }
}

/// Cache mode of a drive, as QEMU's `cache=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// Host page cache; the guest's flushes are honoured.
    Writeback,
    /// Host page cache, and each write is flushed.
    Writethrough,
    /// No host page cache (`O_DIRECT`); the guest's flushes are honoured.
    None,
    /// No host page cache, and each write is flushed.
    Directsync,
    /// Host page cache, and flushes are ignored: fastest, for images that are thrown away.
    Unsafe,
}

impl Cache {
    /// Whether the host page cache is bypassed.
    pub(crate) fn direct(self) -> bool {
        matches!(self, Self::None | Self::Directsync)
    }

    /// Whether flushes are ignored.
    pub(crate) fn no_flush(self) -> bool {
        self == Self::Unsafe
    }

    /// Whether the device tells the guest that it has a write cache.
    pub(crate) fn write_cache(self) -> bool {
        !matches!(self, Self::Writethrough | Self::Directsync)
    }

    /// The cache mode of that name in QEMU's `cache=`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "writeback" => Self::Writeback,
            "writethrough" => Self::Writethrough,
            "none" => Self::None,
            "directsync" => Self::Directsync,
            "unsafe" => Self::Unsafe,
            _ => return None,
        })
    }
}
