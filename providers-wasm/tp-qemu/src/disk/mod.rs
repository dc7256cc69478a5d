//! Disks of a running machine: file systems on them, media, block jobs.

mod backup;
mod chain;
mod fill;
mod lvm;
mod media;
mod mirror;
mod savevm;

use std::time::Duration;

use vthost::linux::{Filesystem, disks};
use vthost::prelude::*;

/// How long a block job may take under emulation.
const JOB: Duration = Duration::from_secs(300);

/// The disk of the test beside the one that the guest boots from: the second of `images`.
fn data_disk(test: &Test) -> Result<String> {
    let images = test.main_vm()?.params().objects("images");
    match images.get(1) {
        Some(image) => Ok(image.clone()),
        None => Err(Outcome::error("the variant has no second disk (images)")),
    }
}

/// Makes a file system on the data disk of a guest and writes a file; gives both, with the checksum of the file.
fn fill_data_disk(session: &Session) -> Result<(Filesystem, String)> {
    let disk = disks(session)?.into_iter().next_back();
    let Some(disk) = disk.filter(|disk| disk != "/dev/vda" && disk != "/dev/sda") else {
        return Err(Outcome::fail("the guest does not see its second disk"));
    };
    let filesystem = Filesystem::make(session, &disk, "ext4")?;
    let sum = filesystem.write_random(session, "file", 8)?;
    Ok((filesystem, sum))
}
