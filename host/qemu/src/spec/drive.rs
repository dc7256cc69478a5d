//! Disks and CD-ROMs.

use std::path::PathBuf;

use serde::Serialize;

/// One disk or CD-ROM. Its block nodes are `drive_<id>` and `file_<id>`, its device is `<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drive {
    /// Its id: a letter, then letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// The image: a file or a block device.
    pub path: PathBuf,
    /// Format of the image; QEMU never guesses it.
    pub format: DriveFormat,
    /// The device that the guest sees.
    pub interface: DriveInterface,
    /// Disk or CD-ROM. A CD-ROM is read-only; on a virtio-blk interface it is a read-only disk.
    pub media: Media,
    /// Refuse writes.
    pub read_only: bool,
    /// Throw writes away when the machine ends; the image itself is only read.
    pub snapshot: bool,
    /// Cache mode. Default: writeback.
    pub cache: Cache,
    /// Serial number shown to the guest, at most 20 characters. Default: none.
    pub serial: Option<String>,
    /// Place in the boot order; 0 is first. Default: none.
    pub boot_index: Option<u32>,
    /// The files below an overlay, as the one who made the overlay knows them. QEMU may open no others: what an image
    /// says about its own backing file is input, and is not trusted.
    pub backing: Vec<PathBuf>,
}

impl Drive {
    /// A writable disk.
    #[must_use]
    pub fn disk(
        id: impl Into<String>,
        path: impl Into<PathBuf>,
        format: DriveFormat,
        on: DriveInterface,
    ) -> Self {
        Self {
            id: id.into(),
            path: path.into(),
            format,
            interface: on,
            media: Media::Disk,
            read_only: false,
            snapshot: false,
            cache: Cache::Writeback,
            serial: None,
            boot_index: None,
            backing: Vec::new(),
        }
    }

    /// A raw ISO image in a CD-ROM drive.
    #[must_use]
    pub fn cdrom(id: impl Into<String>, path: impl Into<PathBuf>, on: DriveInterface) -> Self {
        Self {
            media: Media::Cdrom,
            read_only: true,
            ..Self::disk(id, path, DriveFormat::Raw, on)
        }
    }

    /// Whether QEMU needs to write to the image.
    pub(crate) fn writes_image(&self) -> bool {
        !(self.read_only || self.snapshot || self.media == Media::Cdrom)
    }
}

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
    /// Parallel IDE on pc (at most 4), SATA on q35 (at most 6).
    Ide,
}

/// What kind of drive it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// A disk.
    Disk,
    /// A CD-ROM drive with a disc in it.
    Cdrom,
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
