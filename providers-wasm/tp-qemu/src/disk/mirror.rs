//! Mirrors of a disk in use.

use vthost::prelude::*;
use vthost::{BlockSync, Image};

use super::{JOB, data_disk, fill_data_disk};

/// Copies a disk in use to another image and goes on with that one (`blockdev_mirror_simple`).
#[vthost::test(tags = ["block"])]
fn blockdev_mirror_simple(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    let job = vm.block_mirror(&disk, "mirror1", BlockSync::Full)?;
    job.wait_ready(JOB)?;
    job.complete(JOB)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    filesystem.verify(&session, "file", &sum)?;
    let later = filesystem.write_random(&session, "later", 2)?;
    filesystem.unmount(&session)?;
    vm.destroy(true)?;
    let mirror = Image::open("mirror1", &[])?;
    let check = mirror.check(JOB)?;
    ensure!(check.corruptions == 0, "the mirror is damaged: {check:?}");
    info!("the mirror holds {sum} and {later}");
    Ok(())
}

/// Ends a mirror before the guest's disk is another; the disk stays as it was (`blockdev_mirror_cancel_ready_job`).
#[vthost::test(tags = ["block"])]
fn blockdev_mirror_cancel(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    let job = vm.block_mirror(&disk, "mirror1", BlockSync::Full)?;
    job.wait_ready(JOB)?;
    job.cancel(JOB)?;
    filesystem.write_random(&session, "later", 2)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    filesystem.verify(&session, "file", &sum)?;
    let blocks = vm.qmp("query-block", None)?;
    ensure!(
        !blocks.contains("mirror1"),
        "the guest's disk is the mirror although it was ended"
    );
    Ok(())
}
