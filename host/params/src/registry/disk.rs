//! Keys: disks.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, Unit};
use super::objects::{DRIVE, IMAGE, Object, THROTTLE, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const fn image(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(IMAGE))
        .at(Phase::Create)
}

const fn drive(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(DRIVE))
        .at(Phase::Create)
}

const CACHES: &[&str] = &["none", "writeback", "writethrough", "directsync", "unsafe"];
const ERRORS: &[&str] = &["ignore", "stop", "report", "enospc", "auto"];
const AIO: &[&str] = &["threads", "native", "io_uring"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    drive("blk_extra_params", Kind::Options, "", "properties added to the device of a disk").needs("qemu-args", When::Set).example("rotation_rate=1"),
    image("boot_drive", Kind::Flag, "yes", "the disk is there when the machine starts"),
    drive("bootindex", COUNT, "", "the place of the disk in the order in which the firmware tries them"),
    drive("bus_extra_params", Kind::Options, "", "properties added to the controller of a disk").needs("qemu-args", When::Set).not_yet(),
    drive("drive_bus", COUNT, "", "the number of the bus that the disk is on"),
    drive("drive_cache", Kind::Word(CACHES), "", "how writes are cached; `unsafe` for overlays if it is not set"),
    image("drive_format", Kind::Text, "virtio", "the bus of a disk: `virtio`, `ide`, `ahci`, `scsi`, `scsi-hd`, `nvme`, `usb2` and the like"),
    drive("drive_index", COUNT, "", "the place of a disk among the others; the order of `images` if it is not set"),
    drive("drive_lun", COUNT, "", "the logical unit of a SCSI disk"),
    drive("drive_pci_addr", Kind::Text, "", "the PCI address of a disk").example("0x8"),
    drive("drive_port", COUNT, "", "the port of the controller that the disk is on"),
    drive("drive_rerror", Kind::Word(ERRORS), "", "what becomes of the machine when a read fails"),
    drive("drive_scsiid", COUNT, "", "the SCSI id of a disk"),
    drive("drive_serial", Kind::Text, "", "the serial number that the disk tells"),
    drive("drive_unit", COUNT, "", "the unit of the bus that the disk is"),
    drive("drive_werror", Kind::Word(ERRORS), "", "what becomes of the machine when a write fails"),
    drive("image_aio", Kind::Word(AIO), "", "how the image is read and written"),
    image("image_auto_readonly", Kind::Flag, "", "open the image read-only if it cannot be written").not_yet(),
    image("image_boot", Kind::Flag, "", "boot from this disk"),
    vm("image_chain", Kind::List, "", "images of which each is the base of the next").of(VM.and(IMAGE)).not_yet().example("image1 sn1"),
    image("image_cluster_size", Kind::Size(Unit::B), "", "the size of the clusters of an image that is made").example("64K"),
    image("image_copy_on_read", Kind::Flag, "", "copy what is read of the base into the image"),
    drive("image_detect_zeroes", Kind::Word(&["off", "on", "unmap"]), "", "whether blocks of zeros are written, or left out"),
    image("image_discard", Kind::Word(&["ignore", "unmap", "off", "on"]), "", "what becomes of blocks that the guest gives up"),
    image("image_extra_params", Kind::Options, "", "options of the format of an image that is made: `cluster_size`, `compat`, `compression_type`, `extended_l2`, `lazy_refcounts`, `preallocation`, `refcount_bits`").example("compat=1.1"),
    image("image_format", Kind::Word(&["qcow2", "raw", "luks", "vmdk", "qed", "vdi", "vpc", "vhdx"]), "qcow2", "the format of an image, and the ending of its file"),
    image("image_iothread", Kind::Text, "", "the I/O thread of `iothreads` that serves the disk"),
    image("image_iothread_vq_mapping", Kind::Text, "", "which I/O threads serve which queues of the disk").not_yet(),
    image("image_name", Kind::Path, "", "the path of an image without the ending of its format, relative to the data directory").needs("host-files", When::Outside(&["images"])).example("images/jeos-12-x86_64"),
    image("image_raw_device", Kind::Flag, "no", "`image_name` is a block device of the host, and has no ending").needs("block-devices", When::Not(NO)),
    image("image_readonly", Kind::Flag, "no", "the guest cannot write to the disk"),
    image("image_secret", Kind::Text, "", "the passphrase of an encrypted image").secret(),
    image("image_size", Kind::Size(Unit::B), "10G", "the size of an image that is made"),
    image("image_snapshot", Kind::Flag, "no", "throw away what the guest writes when its machine ends"),
    image("image_throttle_group", Kind::Text, "", "the group of `throttle_groups` that the disk is in"),
    vm("images", Kind::Names(Object::Image), "", "the disks of a machine").example("image1 stg"),
    vm("images_base_dir", Kind::Path, "", "the directory that `image_name` is relative to").needs("host-files", When::Set).not_yet(),
    vm("indirect_image_blacklist", Kind::List, "", "regular expressions for block devices of the host that no test may have").ignored("a provider may have none without the grant `block-devices`"),
    vm("indirect_image_select", Kind::Number { min: i64::MIN, max: i64::MAX }, "", "which of the files that `image_name` matches is taken").not_yet(),
    vm("iothread_scheme", Kind::Text, "", "how disks are shared out to I/O threads").not_yet(),
    vm("iothreads", Kind::Names(Object::IoThread), "", "threads of QEMU that serve disks").example("iothread0"),
    image("lazy_refcounts", Kind::Flag, "", "an image that is made may be late with its reference counts"),
    drive("logical_block_size", COUNT, "", "the size of the blocks that the guest addresses, in bytes"),
    drive("min_io_size", COUNT, "", "the smallest transfer that the disk asks for, in bytes"),
    image("num_queues", COUNT, "", "the number of queues of a disk or its controller"),
    drive("opt_io_size", COUNT, "", "the best transfer for the disk, in bytes"),
    drive("physical_block_size", COUNT, "", "the size of the blocks of the disk, in bytes"),
    image("preallocated", Kind::Word(&["off", "metadata", "falloc", "full"]), "", "what of an image that is made is allocated at once"),
    vm("scsi_hba", Kind::Text, "virtio-scsi-pci", "the controller of SCSI disks").of(VM.and(DRIVE)),
    drive("scsi_wwnn", Kind::Text, "", "the world wide name of a SCSI disk's node").not_yet(),
    drive("scsi_wwpn", Kind::Text, "", "the world wide name of a SCSI disk's port").not_yet(),
    key("throttle_group_parameters", Kind::Text, "", "the limits of a throttle group, as JSON").of(VM.and(THROTTLE)).at(Phase::Create),
    vm("throttle_groups", Kind::Names(Object::ThrottleGroup), "", "groups of disks with a common limit").example("group1"),
];
