//! Backups of a disk in use.

use serde_json::Value;
use vthost::prelude::*;
use vthost::{BlockSync, Image};

use super::{JOB, data_disk, fill_data_disk};

/// Copies a disk as it is now while the guest writes on (`blockdev_full_backup`).
#[vthost::test(tags = ["block"])]
fn blockdev_full_backup(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, sum) = fill_data_disk(&session)?;
    filesystem.unmount(&session)?;
    let job = vm.block_backup(&disk, "backup", BlockSync::Full, None)?;
    job.wait(JOB)?;
    // The machine ends before its images are compared.
    vm.destroy(true)?;
    let (source, copy) = (Image::open(&disk, &[])?, Image::open("backup", &[])?);
    if let Some(difference) = source.compare(&copy, JOB)? {
        bail_fail!("the backup differs from the disk: {difference}");
    }
    info!("the backup holds the file with the checksum {sum}");
    Ok(())
}

/// Copies what was written since a bitmap was added (`blockdev_inc_backup`).
#[vthost::test(tags = ["block"])]
fn blockdev_inc_backup(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let disk = data_disk(test)?;
    let session = vm.wait_for_login()?;
    let (filesystem, _) = fill_data_disk(&session)?;
    vm.block_backup(&disk, "full", BlockSync::Full, None)?
        .wait(JOB)?;
    vm.bitmap_add(&disk, "bitmap0")?;
    filesystem.write_random(&session, "later", 2)?;
    filesystem.unmount(&session)?;
    vm.block_backup(&disk, "inc", BlockSync::Full, Some("bitmap0"))?
        .wait(JOB)?;
    vm.bitmap_remove(&disk, "bitmap0")?;
    vm.destroy(true)?;
    let written = allocated("inc")?;
    let all = allocated("full")?;
    ensure!(
        written >= 2 << 20 && written < all,
        "the second backup has {written} bytes, the first {all}"
    );
    Ok(())
}

/// How many bytes of an image hold data of its own.
fn allocated(image: &str) -> Result<u64> {
    let text = Image::open(image, &[])?.map()?;
    let parts: Vec<Value> = serde_json::from_str(&text)
        .map_err(|error| Outcome::error(format!("the map of {image} cannot be read: {error}")))?;
    let data = parts
        .iter()
        .filter(|part| part["data"] == true && part["zero"] == false);
    Ok(data.filter_map(|part| part["length"].as_u64()).sum())
}
