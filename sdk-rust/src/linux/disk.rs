//! Disks and file systems.

use std::collections::BTreeSet;
use std::time::Duration;

use super::quote;
use crate::wait::wait_for;
use crate::{Outcome, Result, Session};

/// Making a file system on a small disk takes seconds, even under emulation.
const MKFS: Duration = Duration::from_secs(240);

/// The whole disks that the guest has, as `/dev/vda`, without CD drives, floppies and memory disks. Similar to
/// `utils_disk.get_linux_disks()` in Avocado-VT.
///
/// # Errors
/// ERROR if the guest cannot be asked.
pub fn disks(session: &Session) -> Result<BTreeSet<String>> {
    let listed = session.cmd("ls /sys/block")?;
    let is_disk = |name: &&str| {
        let other = ["loop", "ram", "zram", "sr", "fd", "dm-", "md", "mtdblock"];
        !other.iter().any(|prefix| name.starts_with(prefix))
    };
    Ok(listed
        .split_whitespace()
        .filter(is_disk)
        .map(|name| format!("/dev/{name}"))
        .collect())
}

/// Waits for a disk that was not among `before`, until it can be opened.
///
/// # Errors
/// FAIL if none comes in time.
pub fn new_disk(session: &Session, before: &BTreeSet<String>, timeout: Duration) -> Result<String> {
    let found = wait_for(timeout, || {
        let Some(disk) = disks(session)?.difference(before).next().cloned() else {
            return Ok(None);
        };
        // The kernel has it a moment before its node in /dev is there.
        let is_there = session.cmd_status(&format!("test -b {}", quote(&disk)))? == 0;
        Ok::<_, Outcome>(is_there.then_some(disk))
    })?;
    found.ok_or_else(|| {
        Outcome::fail(format!(
            "the guest sees no new disk after {} s; it has {before:?}",
            timeout.as_secs()
        ))
    })
}

/// Waits until the guest does not see a disk any more.
///
/// # Errors
/// FAIL if it stays.
pub fn wait_for_disk_gone(session: &Session, disk: &str, timeout: Duration) -> Result {
    let gone = wait_for(timeout, || {
        // A node in /dev that goes later would be taken for that of the next disk of this name.
        let gone = session.cmd_status(&format!("test -e {}", quote(disk)))? != 0;
        Ok::<_, Outcome>((gone && !disks(session)?.contains(disk)).then_some(()))
    })?;
    gone.ok_or_else(|| {
        let seconds = timeout.as_secs();
        Outcome::fail(format!("the guest still sees {disk} after {seconds} s"))
    })
}

/// The size of a disk in bytes.
///
/// # Errors
/// ERROR if the guest does not tell.
pub fn disk_size(session: &Session, disk: &str) -> Result<u64> {
    let name = disk.trim_start_matches("/dev/");
    let sectors = session.cmd(&format!(
        "cat {}",
        quote(&format!("/sys/class/block/{name}/size"))
    ))?;
    let sectors: u64 = sectors
        .trim()
        .parse()
        .map_err(|_| Outcome::error(format!("`{}` is no size of {disk}", sectors.trim())))?;
    Ok(sectors * 512)
}

/// A file system on a disk of the guest, mounted; unmounted when [`unmount`](Self::unmount) is called.
#[derive(Debug)]
pub struct Filesystem {
    /// What it is on: `/dev/vdb`.
    pub device: String,
    /// Where it is mounted.
    pub mount_point: String,
}

impl Filesystem {
    /// Makes a new file system of this type (`ext4`, `vfat`) and mounts it below `/mnt`. Whatever was on the device is
    /// lost. Similar to `utils_disk.configure_empty_disk()`.
    ///
    /// # Errors
    /// ERROR with what the command printed.
    pub fn make(session: &Session, device: &str, kind: &str) -> Result<Self> {
        let device_word = quote(device);
        let force = if kind.starts_with("ext") { "-F -q" } else { "" };
        session.cmd_within(&format!("mkfs.{} {force} {device_word}", quote(kind)), MKFS)?;
        Self::mount(session, device)
    }

    /// Mounts what is on the device below `/mnt`.
    ///
    /// # Errors
    /// ERROR with what the command printed.
    pub fn mount(session: &Session, device: &str) -> Result<Self> {
        let mount_point = format!(
            "/mnt/{}",
            device.trim_start_matches("/dev/").replace('/', "-")
        );
        let (device_word, point) = (quote(device), quote(&mount_point));
        session.cmd(&format!("mkdir -p {point} && mount {device_word} {point}"))?;
        Ok(Self {
            device: device.to_owned(),
            mount_point,
        })
    }

    /// Writes a file of random bytes and gives its checksum, which [`verify`](Self::verify) takes.
    ///
    /// # Errors
    /// ERROR with what the command printed.
    pub fn write_random(&self, session: &Session, name: &str, mebibytes: u32) -> Result<String> {
        let path = quote(&format!("{}/{name}", self.mount_point));
        session.cmd_within(
            &format!("dd if=/dev/urandom of={path} bs=1M count={mebibytes} 2>&1 && sync"),
            MKFS,
        )?;
        self.checksum(session, name)
    }

    /// The checksum of a file.
    ///
    /// # Errors
    /// ERROR with what the command printed.
    pub fn checksum(&self, session: &Session, name: &str) -> Result<String> {
        let path = quote(&format!("{}/{name}", self.mount_point));
        let printed = session.cmd_within(&format!("md5sum {path}"), MKFS)?;
        let sum = printed.split_whitespace().next().unwrap_or_default();
        Ok(sum.to_owned())
    }

    /// Checks that a file still has the checksum that it had.
    ///
    /// # Errors
    /// FAIL if it has another.
    pub fn verify(&self, session: &Session, name: &str, expected: &str) -> Result {
        let found = self.checksum(session, name)?;
        if found == expected {
            return Ok(());
        }
        Err(Outcome::fail(format!(
            "{}/{name} has changed: its checksum was {expected} and is {found}",
            self.mount_point
        )))
    }

    /// Unmounts it.
    ///
    /// # Errors
    /// ERROR with what the command printed.
    pub fn unmount(self, session: &Session) -> Result {
        session.cmd(&format!("umount {}", quote(&self.mount_point)))?;
        Ok(())
    }
}
