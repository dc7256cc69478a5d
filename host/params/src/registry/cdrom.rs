//! Keys: CDs and floppies.

use super::effect::When;
use super::key::{Key, Phase, key};
use super::kind::{Kind, Unit};
use super::objects::{CDROM, FLOPPY, Object, VM};

const fn cd(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(CDROM))
        .at(Phase::Create)
}

const fn check(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(CDROM))
        .at(Phase::Preprocess)
}

const FILES: When = When::Outside(&["isos", "images"]);
const BUSES: &[&str] = &["ide", "ahci", "scsi-cd", "usb1", "usb2", "usb3"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    cd("cd_format", Kind::Word(BUSES), "", "the bus of a CD drive; one that the machine has if it is not set"),
    cd("cdrom", Kind::Path, "", "the file of a CD, relative to the data directory; without it the drive is empty").needs("host-files", FILES).example("isos/linux/winutils.iso"),
    cd("cdrom_without_file", Kind::Flag, "no", "keep a drive without a CD"),
    key("cdroms", Kind::Names(Object::Cdrom), "", "the CD drives of a machine").of(VM).at(Phase::Create).example("cd1 unattended"),
    key("floppies", Kind::Names(Object::Floppy), "", "the floppy drives of a machine").of(VM).at(Phase::Create).example("fl1"),
    key("floppy_name", Kind::Path, "", "the file of a floppy, relative to the data directory").of(VM.and(FLOPPY)).at(Phase::Create).needs("host-files", FILES).example("images/fl1.vfd"),
    key("floppy_readonly", Kind::Flag, "no", "the guest cannot write to the floppy").of(VM.and(FLOPPY)).at(Phase::Create),
    check("md5sum", Kind::Checksum, "", "the MD5 sum that the file of the CD must have; `md5sum_1m` is quicker"),
    check("md5sum_1m", Kind::Checksum, "", "the MD5 sum that the first MiB of the file of the CD must have; it is checked in place of `md5sum`"),
    check("sha1sum", Kind::Checksum, "", "the SHA-1 sum that the file of the CD must have"),
    check("skip_hash", Kind::Flag, "no", "check no sums of CDs"),
    key("vfd_size", Kind::Size(Unit::B), "1440k", "the size of a floppy that is made").of(VM.and(FLOPPY)).at(Phase::Preprocess).not_yet(),
];
