//! Disks, CD-ROMs and floppies.

use std::path::{Path, PathBuf};

use serde_json::Value;
use vthost_params::Params;
use vthost_params::registry::Unit;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{
    Aio, Cache, DetectZeroes, Drive, DriveFormat, DriveInterface, ErrorPolicy, Media, ScsiHba,
    ThrottleGroup, UsbController, UsbModel, UsbVersion,
};

use super::{number, parsed, path, properties, text};
use crate::Result;
use crate::error::check_name;

/// The file of an image: `image_name` with the ending of `image_format`, below the data directory unless it is absolute.
/// With `image_raw_device` the name is the path of a block device, and has no ending.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a missing name or an unknown format.
pub fn base_image(params: &Params, data_dir: &Path) -> Result<(PathBuf, DriveFormat)> {
    let format = params.get_or("image_format", "qcow2");
    let known = DriveFormat::from_name(format)
        .ok_or_else(|| params.invalid("image_format", "a format of images"))?;
    let name = params.require("image_name")?;
    let path = data_dir.join(name);
    if params.flag("image_raw_device", false)? {
        return Ok((path, known));
    }
    let mut path = path.into_os_string();
    path.push(".");
    path.push(format);
    Ok((path.into(), known))
}

/// Makes a drive of the view of its parameters; none if the machine does not start with it.
type Read = fn(&Params, &Path) -> Result<Option<Drive>>;

/// The lists of drives, and what makes one of them.
const LISTS: [(&str, Read); 3] = [
    ("images", disk_at_start),
    ("cdroms", cdrom),
    ("floppies", floppy),
];

pub(super) fn read(spec: &mut MachineSpec, params: &Params, data_dir: &Path) -> Result<()> {
    spec.iothreads = params
        .names("iothreads")?
        .into_iter()
        .map(str::to_owned)
        .collect();
    for name in params.names("throttle_groups")? {
        spec.throttle_groups
            .push(throttle(name, &params.object(name))?);
    }
    let mut drives = Vec::new();
    for (list, read) in LISTS {
        for name in params.names(list)? {
            let params = params.object(name);
            let place = number(&params, "drive_index")?.unwrap_or(drives.len());
            drives.extend(read(&params, data_dir)?.map(|drive| (place, drive)));
        }
    }
    drives.sort_by_key(|(place, _)| *place);
    spec.drives = drives.into_iter().map(|(_, drive)| drive).collect();
    usb_controllers(spec);
    Ok(())
}

/// A memory stick needs a controller that is fast enough; one is added if the configuration names none.
fn usb_controllers(spec: &mut MachineSpec) {
    let wanted = spec
        .drives
        .iter()
        .filter_map(|drive| match drive.interface {
            DriveInterface::Usb(version) => Some(version),
            _ => None,
        });
    let Some(version) = wanted.max() else { return };
    let there = |usb: &UsbController| usb.model.version() >= version;
    if !spec.usb_controllers.iter().any(there) {
        spec.usb_controllers.push(UsbController {
            ports: None,
            id: "usb_drives".to_owned(),
            model: match version {
                UsbVersion::One => UsbModel::Piix3Uhci,
                UsbVersion::Two => UsbModel::Ehci,
                UsbVersion::Three => UsbModel::Xhci,
            },
            address: None,
        });
    }
}

/// Where a drive is attached: `drive_format` or `cd_format`, and for `scsi-*` the controller `scsi_hba`.
fn interface(params: &Params, key: &str, default: &str) -> Result<DriveInterface> {
    let known = [
        "virtio",
        "virtio-blk-pci",
        "virtio_blk",
        "ide",
        "ahci",
        "scsi-hd",
        "scsi-cd",
        "usb1",
        "usb2",
        "usb3",
        "nvme",
    ];
    Ok(match params.word(key, default, &known)? {
        "ide" => DriveInterface::Ide,
        "ahci" => DriveInterface::Ahci,
        "scsi-hd" | "scsi-cd" => match params.get_or("scsi_hba", "virtio-scsi-pci") {
            "virtio-scsi-pci" | "virtio-scsi-device" | "virtio-scsi-ccw" => {
                DriveInterface::VirtioScsi
            }
            name => DriveInterface::Scsi(ScsiHba::from_name(name).ok_or_else(|| {
                let mut known = vec!["virtio-scsi-pci"];
                known.extend(ScsiHba::ALL.map(ScsiHba::driver));
                params.invalid_word("scsi_hba", &known)
            })?),
        },
        "usb1" => DriveInterface::Usb(UsbVersion::One),
        "usb2" => DriveInterface::Usb(UsbVersion::Two),
        "usb3" => DriveInterface::Usb(UsbVersion::Three),
        "nvme" => DriveInterface::Nvme,
        _ => DriveInterface::VirtioBlk,
    })
}

/// The drive of an image, with the image itself in it.
pub(crate) fn disk(params: &Params, data_dir: &Path) -> Result<Drive> {
    let id = params.object_name();
    check_name("image", id)?;
    let (base, format) = base_image(params, data_dir)?;
    let interface = interface(params, "drive_format", "virtio")?;
    let mut drive = Drive::disk(id, base, format, interface);
    drive.read_only = params.flag("image_readonly", false)?;
    drive.snapshot = params.flag("image_snapshot", false)?;
    drive.copy_on_read = params.flag("image_copy_on_read", false)?;
    drive.secret = text(params, "image_secret").map(str::to_owned);
    drive.throttle_group = text(params, "image_throttle_group").map(str::to_owned);
    drive.iothread = text(params, "image_iothread").map(str::to_owned);
    drive.queues = number(params, "num_queues")?;
    drive.discard = match params.word("image_discard", "", &["unmap", "on", "ignore", "off"])? {
        "unmap" | "on" => Some(true),
        "ignore" | "off" => Some(false),
        _ => None,
    };
    drive.detect_zeroes = match params.word("image_detect_zeroes", "", &["on", "off", "unmap"])? {
        "on" => Some(DetectZeroes::On),
        "off" => Some(DetectZeroes::Off),
        "unmap" => Some(DetectZeroes::Unmap),
        _ => None,
    };
    common(&mut drive, params)?;
    if params.flag("image_boot", false)? && drive.boot_index.is_none() {
        drive.boot_index = Some(0);
    }
    Ok(drive)
}

/// The drive of an image, unless `boot_drive = no`: a test plugs it in itself.
fn disk_at_start(params: &Params, data_dir: &Path) -> Result<Option<Drive>> {
    match params.flag("boot_drive", true)? {
        true => disk(params, data_dir).map(Some),
        false => Ok(None),
    }
}

/// What disks and CD-ROMs have in common.
fn common(drive: &mut Drive, params: &Params) -> Result<()> {
    // What a test writes is thrown away after it, so nothing is gained by waiting for the disk of the host.
    drive.cache = match params.get_or("drive_cache", "") {
        "" => Cache::Unsafe,
        name => Cache::from_name(name).ok_or_else(|| {
            let known = ["none", "writeback", "writethrough", "directsync", "unsafe"];
            params.invalid_word("drive_cache", &known)
        })?,
    };
    drive.aio =
        match text(params, "image_aio") {
            None => None,
            Some(name) => Some(Aio::from_name(name).ok_or_else(|| {
                params.invalid_word("image_aio", &["threads", "native", "io_uring"])
            })?),
        };
    drive.write_error = policy(params, "drive_werror")?;
    drive.read_error = policy(params, "drive_rerror")?;
    drive.serial = text(params, "drive_serial").map(str::to_owned);
    drive.boot_index = number(params, "bootindex")?;
    drive.logical_block_size = size(params, "logical_block_size")?;
    drive.physical_block_size = size(params, "physical_block_size")?;
    drive.min_io_size = size(params, "min_io_size")?;
    drive.opt_io_size = size(params, "opt_io_size")?;
    drive.pci = parsed(params, "drive_pci_addr")?;
    drive.bus = number(params, "drive_bus")?;
    // The reference's three names of the same thing.
    let unit = number(params, "drive_unit")?;
    let target = number(params, "drive_scsiid")?;
    drive.unit = unit.or(target).or(number(params, "drive_port")?);
    drive.lun = number(params, "drive_lun")?;
    drive.extra = properties(params, "blk_extra_params")?;
    Ok(())
}

fn policy(params: &Params, key: &str) -> Result<Option<ErrorPolicy>> {
    let Some(name) = text(params, key) else {
        return Ok(None);
    };
    let known = ["report", "ignore", "stop", "enospc"];
    let policy = ErrorPolicy::from_name(name);
    policy
        .map(Some)
        .ok_or_else(|| params.invalid_word(key, &known).into())
}

/// A size in bytes that fits what QEMU takes.
fn size(params: &Params, key: &str) -> Result<Option<u32>> {
    if text(params, key).is_none() {
        return Ok(None);
    }
    let bytes = params.size(key, 0, Unit::B)?;
    u32::try_from(bytes)
        .map(Some)
        .map_err(|_| params.invalid(key, "a size below 4 GiB").into())
}

/// A drive with the disc `cdrom`. One without is left out, as the reference does, unless `cdrom_without_file` asks for
/// an empty drive.
fn cdrom(params: &Params, data_dir: &Path) -> Result<Option<Drive>> {
    let id = params.object_name();
    check_name("cdrom", id)?;
    let disc = path(params, "cdrom", data_dir);
    if disc.is_none() && !params.flag("cdrom_without_file", false)? {
        return Ok(None);
    }
    let interface = interface(params, "cd_format", "ide")?;
    let mut drive = Drive::cdrom(id, disc.unwrap_or_default(), interface);
    common(&mut drive, params)?;
    Ok(Some(drive))
}

/// A drive with the disk `floppy_name`.
fn floppy(params: &Params, data_dir: &Path) -> Result<Option<Drive>> {
    let id = params.object_name();
    check_name("floppy", id)?;
    let Some(disk) = path(params, "floppy_name", data_dir) else {
        return Ok(None);
    };
    let mut drive = Drive::disk(id, disk, DriveFormat::Raw, DriveInterface::Floppy);
    drive.read_only = params.flag("floppy_readonly", false)?;
    drive.unit = number(params, "drive_unit")?;
    drive.media = Media::Disk;
    Ok(Some(drive))
}

/// A group with its limits, a table of JSON: `{"iops-total": 100}`. QEMU's older names with `x-` are taken, too.
fn throttle(name: &str, params: &Params) -> Result<ThrottleGroup> {
    let key = "throttle_group_parameters";
    let expected = "a table of limits in JSON, as `{\"iops-total\": 100}`";
    let given = params.get_or(key, "{}");
    let table: serde_json::Map<String, Value> =
        serde_json::from_str(given).map_err(|_| params.invalid(key, expected))?;
    let limits = table
        .into_iter()
        .map(|(name, limit)| {
            let limit = limit
                .as_u64()
                .ok_or_else(|| params.invalid(key, expected))?;
            Ok((name.trim_start_matches("x-").to_owned(), limit))
        })
        .collect::<Result<_>>()?;
    Ok(ThrottleGroup {
        id: name.to_owned(),
        limits,
    })
}
