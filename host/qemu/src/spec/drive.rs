//! Disks and CD-ROMs.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    Aio, Cache, DetectZeroes, DriveFormat, DriveInterface, ErrorPolicy, Media, PciAddress,
};

/// One disk or CD-ROM. Its block nodes are `drive_<id>` and `file_<id>`, its device is `<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drive {
    /// Its id: a letter, then letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// The image: a file or a block device. An empty path is a drive without a medium (CD-ROM and floppy only).
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
    /// How QEMU reads and writes the file. Default: threads.
    pub aio: Option<Aio>,
    /// Pass the guest's discards on to the image (`unmap`); `false` ignores them. Default: QEMU's own, which ignores them.
    pub discard: Option<bool>,
    /// What to do with writes of zeroes. Default: write them.
    pub detect_zeroes: Option<DetectZeroes>,
    /// What to do when a write fails. Default: stop if the disk is full, else tell the guest.
    pub write_error: Option<ErrorPolicy>,
    /// What to do when a read fails. Default: tell the guest.
    pub read_error: Option<ErrorPolicy>,
    /// Copy what is read from a backing file into the overlay. Default: false.
    pub copy_on_read: bool,
    /// The throttle group of the machine whose limits it has. Default: none.
    pub throttle_group: Option<String>,
    /// The I/O thread of the machine that serves it (virtio-blk; of virtio-scsi the whole controller). Default: none.
    pub iothread: Option<String>,
    /// Queues of a virtio-blk device. Default: QEMU's own.
    pub queues: Option<u16>,
    /// Serial number shown to the guest: letters, digits and marks, at most 36 characters. Default: none.
    pub serial: Option<String>,
    /// World wide name. Default: none.
    pub wwn: Option<u64>,
    /// Size of a logical block in bytes. Default: 512.
    pub logical_block_size: Option<u32>,
    /// Size of a physical block in bytes. Default: 512.
    pub physical_block_size: Option<u32>,
    /// Smallest good transfer in bytes. Default: none.
    pub min_io_size: Option<u32>,
    /// Best transfer in bytes. Default: none.
    pub opt_io_size: Option<u32>,
    /// Passphrase of a LUKS image. It never stands on the command line: QEMU reads it from a descriptor or, plugged in,
    /// from the monitor. Default: none.
    #[serde(skip_serializing)]
    pub secret: Option<String>,
    /// Place on the PCI bus, for interfaces that are PCI devices. Default: the next free one.
    pub pci: Option<PciAddress>,
    /// Number of the controller of its kind. Default: the first with room.
    pub bus: Option<u32>,
    /// Unit (IDE), target (SCSI), namespace (NVMe) or port (USB). Default: the next free one.
    pub unit: Option<u32>,
    /// Logical unit (SCSI). Default: 0.
    pub lun: Option<u32>,
    /// Further properties of the device, by QEMU's names.
    pub extra: Vec<(String, String)>,
    /// Place in the boot order; 0 is first. Default: none.
    pub boot_index: Option<u32>,
    /// The files below an overlay, as the one who made the overlay knows them. QEMU may open no others: what an image
    /// says about its own backing file is input, and is not trusted.
    pub backing: Vec<PathBuf>,
    /// Format of the first file of `backing`. It has to be known if `secret` belongs to that file and not to the overlay;
    /// then QEMU is told of it, instead of finding it by itself. Default: none.
    pub backing_format: Option<DriveFormat>,
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
            aio: None,
            discard: None,
            detect_zeroes: None,
            write_error: None,
            read_error: None,
            copy_on_read: false,
            throttle_group: None,
            iothread: None,
            queues: None,
            serial: None,
            wwn: None,
            logical_block_size: None,
            physical_block_size: None,
            min_io_size: None,
            opt_io_size: None,
            secret: None,
            pci: None,
            bus: None,
            unit: None,
            lun: None,
            extra: Vec::new(),
            boot_index: None,
            backing: Vec::new(),
            backing_format: None,
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

    /// A CD-ROM or floppy drive without a medium.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.path.as_os_str().is_empty()
    }

    /// Whether QEMU needs to write to the image.
    pub(crate) fn writes_image(&self) -> bool {
        !(self.is_empty() || self.read_only || self.snapshot || self.media == Media::Cdrom)
    }
}
