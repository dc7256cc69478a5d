//! Filling disks, and disks that are full.

use std::time::Duration;

use vthost::linux::{Filesystem, disk_size};
use vthost::prelude::*;

use super::data_disk;

/// How long a full disk may take.
const FILL: Duration = Duration::from_secs(300);

/// Fills a disk until nothing fits on it, and checks that it works again when there is room (`fillup_disk`).
#[vthost::test(tags = ["block"])]
fn fillup_disk(test: &Test) -> Result {
    let vm = test.main_vm()?;
    data_disk(test)?;
    let session = vm.wait_for_login()?;
    let filesystem = Filesystem::make(&session, "/dev/vdb", "ext4")?;
    let fill = format!(
        "dd if=/dev/zero of={}/fill bs=1M; sync",
        filesystem.mount_point
    );
    let filled = session.cmd_status_output_within(&fill, FILL)?;
    ensure!(
        filled.output.contains("No space left on device"),
        "the disk was not filled: {}",
        filled.output
    );
    session.cmd(&format!("rm {}/fill", filesystem.mount_point))?;
    let sum = filesystem.write_random(&session, "after", 4)?;
    filesystem.verify(&session, "after", &sum)?;
    filesystem.unmount(&session)?;
    vm.verify_kernel_crash()?;
    Ok(())
}

/// Makes a file system on every disk beside the first, and a file on each (`multi_disk`, `format_disk`).
#[vthost::test(tags = ["block"])]
fn format_disk(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let expected = vm.params().objects("images").len();
    let disks = vthost::linux::disks(&session)?;
    ensure!(
        disks.len() == expected,
        "the machine has {expected} disks, the guest sees {disks:?}"
    );
    for disk in disks.iter().skip(1) {
        info!("{disk} has {} bytes", disk_size(&session, disk)?);
        for kind in ["ext4", "vfat"] {
            if session.cmd_status(&format!("command -v mkfs.{kind}"))? != 0 {
                continue;
            }
            let filesystem = Filesystem::make(&session, disk, kind)?;
            let sum = filesystem.write_random(&session, "file", 1)?;
            filesystem.verify(&session, "file", &sum)?;
            filesystem.unmount(&session)?;
        }
    }
    Ok(())
}

/// Makes a disk larger while the guest uses it (`block_resize`).
#[vthost::test(tags = ["block"])]
fn block_resize(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let before = disk_size(&session, "/dev/vdb")?;
    let wanted = before * 2;
    vm.block_resize(&disk, wanted)?;
    let seen = vthost::wait_for(Duration::from_secs(60), || {
        let size = disk_size(&session, "/dev/vdb")?;
        Ok::<_, Outcome>((size == wanted).then_some(()))
    })?;
    ensure!(
        seen.is_some(),
        "the guest still sees a disk of {before} bytes, not of {wanted}"
    );
    Ok(())
}
