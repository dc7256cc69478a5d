//! What makes a specification impossible, found before anything is started.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::parts::is_word;
use super::{
    Boot, Chipset, Drive, DriveInterface, MachineSpec, Media, Netdev, Nic, SerialKind, Smp,
};
use crate::error::SpecError;

/// Ids this crate gives to devices of its own.
const OWN_IDS: [&str; 8] = [
    "video0",
    "rng0",
    "balloon0",
    "usb0",
    "tablet0",
    "scsi0",
    "virtio_serial0",
    "agent0",
];

/// What the guest may have of processors. QEMU's q35 takes 288 and newer versions more; this catches typing errors.
const MAX_CPUS: u32 = 4096;

impl MachineSpec {
    /// Checks all that can be known without starting QEMU. [`MachineSpec::command_line`] calls it.
    ///
    /// # Errors
    /// The first [`SpecError`] found.
    pub fn check(&self) -> Result<(), SpecError> {
        file_name("machine name", &self.name)?;
        if let Some(uuid) = &self.uuid {
            check_uuid(uuid)?;
        }
        if self.memory_mib == 0 {
            return Err(value(
                "memory",
                "0 MiB",
                "a machine needs at least 1 MiB; set the memory size",
            ));
        }
        self.smp.check()?;
        self.check_ids()?;
        self.check_room()?;
        self.boot.check()?;
        for drive in &self.drives {
            drive.check()?;
        }
        for nic in &self.nics {
            nic.check()?;
        }
        if let Some(direct) = &self.kernel {
            readable("kernel", &direct.kernel)?;
            if let Some(initrd) = &direct.initrd {
                readable("initrd", initrd)?;
            }
        }
        let nul = |text: &&String| text.contains('\0');
        if let Some(bad) = self.extra_args.iter().find(nul) {
            return Err(value(
                "extra argument",
                bad,
                "an argument cannot contain a zero byte",
            ));
        }
        Ok(())
    }

    fn check_ids(&self) -> Result<(), SpecError> {
        let drives = self
            .drives
            .iter()
            .map(|drive| ("drive id", drive.id.as_str()));
        let nics = self.nics.iter().map(|nic| ("nic id", nic.id.as_str()));
        let serials = self
            .serials
            .iter()
            .map(|serial| ("serial name", serial.name.as_str()));
        let mut seen = HashSet::from(OWN_IDS);
        for (what, id) in drives.chain(nics).chain(serials) {
            device_id(what, id)?;
            if !seen.insert(id) {
                return Err(SpecError::DuplicateId {
                    machine: self.name.clone(),
                    id: id.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn check_room(&self) -> Result<(), SpecError> {
        let ide = self
            .drives
            .iter()
            .filter(|drive| drive.interface == DriveInterface::Ide)
            .count();
        let isa = self
            .serials
            .iter()
            .filter(|serial| serial.kind == SerialKind::Isa)
            .count();
        let firmware = self
            .serials
            .iter()
            .filter(|serial| serial.kind == SerialKind::FirmwareLog)
            .count();
        let scsi = self
            .drives
            .iter()
            .filter(|drive| drive.interface == DriveInterface::VirtioScsi)
            .count();
        let ide_room = match self.machine.chipset() {
            Chipset::Q35 => 6,
            Chipset::Pc => 4,
        };
        let checks = [
            (
                "ide drives",
                ide,
                ide_room,
                "attach the others by virtio-blk or virtio-scsi",
            ),
            (
                "virtio-scsi drives",
                scsi,
                255,
                "attach the others by virtio-blk",
            ),
            (
                "isa serial ports",
                isa,
                4,
                "make the others virtio consoles",
            ),
            ("firmware logs", firmware, 1, "keep one of them"),
            (
                "spare pcie root ports",
                usize::from(self.spare_root_ports),
                64,
                "ask for fewer",
            ),
        ];
        for (what, count, room, advice) in checks {
            if count > room {
                let machine = self.machine.name().to_owned();
                return Err(SpecError::TooMany {
                    what,
                    count,
                    room,
                    machine,
                    advice,
                });
            }
        }
        Ok(())
    }
}

impl Smp {
    fn check(self) -> Result<(), SpecError> {
        let topology = [self.sockets, self.cores, self.threads];
        let room = topology
            .iter()
            .try_fold(1_u32, |product, &part| product.checked_mul(part));
        let fits = room.is_some_and(|room| self.cpus <= room && room <= MAX_CPUS);
        if self.cpus > 0 && fits {
            return Ok(());
        }
        let Self {
            cpus,
            cores,
            threads,
            sockets,
        } = self;
        Err(value(
            "smp",
            &format!("{cpus} cpus in {sockets} sockets x {cores} cores x {threads} threads"),
            &format!(
                "there has to be at least one cpu, and sockets x cores x threads has to hold them all (up to {MAX_CPUS})"
            ),
        ))
    }
}

impl Boot {
    fn check(&self) -> Result<(), SpecError> {
        for order in [&self.order, &self.once].into_iter().flatten() {
            let letters: HashSet<char> = order.chars().collect();
            let known = order.chars().all(|c| matches!(c, 'a'..='d' | 'n'..='p'));
            if order.is_empty() || !known || letters.len() != order.len() {
                return Err(value(
                    "boot order",
                    order,
                    "it has to be different letters of a, b, c, d, n, o and p",
                ));
            }
        }
        Ok(())
    }
}

impl Drive {
    fn check(&self) -> Result<(), SpecError> {
        let what = format!("drive {}", self.id);
        if let Some(serial) = &self.serial
            && (serial.is_empty() || serial.len() > 20 || !is_word(serial))
        {
            let rule = "it has to be 1 to 20 letters, digits, dots, underscores or dashes";
            return Err(value(&format!("serial number of {what}"), serial, rule));
        }
        if self.interface == DriveInterface::Ide
            && self.media == Media::Disk
            && self.read_only
            && !self.snapshot
        {
            let rule = "QEMU has no read-only ide disks; use virtio-blk, virtio-scsi or snapshot";
            return Err(value(&format!("interface of {what}"), "ide", rule));
        }
        for backing in &self.backing {
            readable(&format!("backing file of {what}"), backing)?;
        }
        if self.writes_image() {
            writable(&what, &self.path)
        } else {
            readable(&what, &self.path)
        }
    }
}

impl Nic {
    fn check(&self) -> Result<(), SpecError> {
        let what = format!("nic {}", self.id);
        if !is_word(&self.model) {
            let rule = "it has to be the name of a QEMU device, such as virtio-net-pci";
            return Err(value(&format!("model of {what}"), &self.model, rule));
        }
        match &self.netdev {
            Netdev::User { forwards, .. } => {
                for forward in forwards {
                    if forward.guest == 0 || forward.host == Some(0) {
                        let shown = format!("{:?} -> {}", forward.host, forward.guest);
                        return Err(value(
                            &format!("port forward of {what}"),
                            &shown,
                            "a port is 1 to 65535",
                        ));
                    }
                }
            }
            Netdev::Tap { ifname } => {
                if !is_word(ifname) || ifname.len() > 15 {
                    let rule = "it has to be the name of a tap interface, at most 15 characters";
                    return Err(value(&format!("tap interface of {what}"), ifname, rule));
                }
            }
        }
        Ok(())
    }
}

fn value(field: &str, value: &str, rule: &str) -> SpecError {
    SpecError::Value {
        field: field.to_owned(),
        value: value.to_owned(),
        rule: rule.to_owned(),
    }
}

/// A name that becomes part of file names.
fn file_name(what: &'static str, name: &str) -> Result<(), SpecError> {
    if is_word(name) && name.len() <= 64 {
        return Ok(());
    }
    let rule = "it has to begin with a letter or digit and consist of at most 64 letters, digits, dots, underscores and dashes";
    Err(SpecError::Name {
        what,
        value: name.to_owned(),
        rule,
    })
}

/// An id by QEMU's rule for ids.
fn device_id(what: &'static str, id: &str) -> Result<(), SpecError> {
    if is_word(id)
        && id.len() <= 64
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && !id.starts_with("pcie")
    {
        return Ok(());
    }
    let rule = "it has to begin with a letter (but not with pcie) and consist of at most 64 letters, digits, dots, underscores and dashes";
    Err(SpecError::Name {
        what,
        value: id.to_owned(),
        rule,
    })
}

fn check_uuid(uuid: &str) -> Result<(), SpecError> {
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(value(
        "uuid",
        uuid,
        "it has to look like 01234567-89ab-cdef-0123-456789abcdef",
    ))
}

fn readable(what: &str, path: &Path) -> Result<(), SpecError> {
    opens(path, |path| File::open(path)).map_err(|source| file_error(what, path, "reading", source))
}

fn writable(what: &str, path: &Path) -> Result<(), SpecError> {
    opens(path, |path| {
        OpenOptions::new().read(true).write(true).open(path)
    })
    .map_err(|source| file_error(what, path, "writing", source))
}

/// Opens a file or block device and nothing else: to open a FIFO would hang.
fn opens(path: &Path, open: impl FnOnce(&Path) -> io::Result<File>) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_block_device() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "neither a file nor a block device",
        ));
    }
    open(path).map(drop)
}

fn file_error(what: &str, path: &Path, access: &'static str, source: io::Error) -> SpecError {
    SpecError::File {
        what: what.to_owned(),
        path: path.to_owned(),
        access,
        source,
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
