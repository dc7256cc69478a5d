//! Snapshots of a disk in use, and putting them together again.

use vthost::prelude::*;

use super::{JOB, data_disk, fill_data_disk};

/// Makes a snapshot of a disk in use and checks that the guest goes on (`live_snapshot`).
#[vthost::test(tags = ["block"])]
fn live_snapshot(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    vm.live_snapshot(&disk, "sn1")?;
    let later = filesystem.write_random(&session, "later", 4)?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.unmount(&session)?;
    let session = vm.reboot()?;
    let filesystem = vthost::linux::Filesystem::mount(&session, "/dev/vdb")?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.verify(&session, "later", &later)?;
    Ok(())
}

/// Writes a chain of snapshots back into the image below (`blockdev_commit`).
#[vthost::test(tags = ["block"])]
fn blockdev_commit(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    let mut files = vec![("file".to_owned(), sum)];
    for number in 1..=3 {
        vm.live_snapshot(&disk, &format!("sn{number}"))?;
        let name = format!("file{number}");
        let sum = filesystem.write_random(&session, &name, 2)?;
        files.push((name, sum));
    }
    let job = vm.block_commit(&disk, None, None)?;
    job.wait_ready(JOB)?;
    job.complete(JOB)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    for (name, sum) in &files {
        filesystem.verify(&session, name, sum)?;
    }
    vm.verify_alive()?;
    Ok(())
}

/// Writes the middle of a chain into the image below it (`commit_snapshot_to_backing_image`).
#[vthost::test(tags = ["block"])]
fn blockdev_commit_middle(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    for number in 1..=3 {
        vm.live_snapshot(&disk, &format!("sn{number}"))?;
        filesystem.write_random(&session, &format!("file{number}"), 2)?;
    }
    let third = filesystem.checksum(&session, "file3")?;
    vm.block_commit(&disk, Some("sn2"), Some("sn1"))?
        .wait(JOB)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.verify(&session, "file3", &third)?;
    Ok(())
}

/// Reads a chain of snapshots into its topmost image (`blockdev_stream`).
#[vthost::test(tags = ["block"])]
fn blockdev_stream(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    vm.live_snapshot(&disk, "sn1")?;
    let later = filesystem.write_random(&session, "later", 2)?;
    vm.live_snapshot(&disk, "sn2")?;
    let job = vm.block_stream(&disk, None)?;
    info!("streaming: {:?}", job.status());
    job.wait(JOB)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.verify(&session, "later", &later)?;
    vm.verify_alive()?;
    Ok(())
}

/// Streams slowly, pauses, goes on, and ends the job before its time; the disk must be whole (`blockdev_stream_cancel`).
#[vthost::test(tags = ["block"])]
fn block_job_control(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    filesystem.write_random(&session, "more", 32)?;
    vm.live_snapshot(&disk, "sn1")?;
    let job = vm.block_stream(&disk, None)?;
    job.set_speed(1 << 20)?;
    job.pause()?;
    let stopped = job.status()?;
    job.resume()?;
    info!("stopped at {} of {} bytes", stopped.done, stopped.total);
    ensure!(
        stopped.speed == 1 << 20,
        "the limit of the speed is {}",
        stopped.speed
    );
    job.cancel(JOB)?;
    session.cmd("echo 3 > /proc/sys/vm/drop_caches")?;
    filesystem.verify(&session, "file", &sum)?;
    Ok(())
}
