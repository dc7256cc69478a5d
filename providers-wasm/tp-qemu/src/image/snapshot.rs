//! Snapshots inside an image.

use vthost::Image;
use vthost::prelude::*;

use super::CALL;

/// Makes, lists, applies and removes snapshots.
#[vthost::test(name = "qemu_img_snapshot", tags = ["image"])]
fn snapshot(_test: &Test) -> Result {
    let image = Image::open(
        "snapshots",
        &[("image_size", "64M"), ("image_format", "qcow2")],
    )?;
    image.create()?;
    for tag in ["one", "two"] {
        image.snapshot_create(tag)?;
    }
    let tags = |image: &Image| -> Result<Vec<String>> {
        Ok(image
            .snapshots()?
            .into_iter()
            .map(|snapshot| snapshot.tag)
            .collect())
    };
    ensure!(
        tags(&image)? == ["one", "two"],
        "the snapshots are {:?}",
        tags(&image)?
    );
    image.snapshot_apply("one")?;
    image.snapshot_delete("one")?;
    ensure!(
        tags(&image)? == ["two"],
        "the snapshots are {:?}",
        tags(&image)?
    );
    ensure!(
        image.snapshot_apply("one").is_err(),
        "a snapshot that was removed can be applied"
    );
    let check = image.check(CALL)?;
    ensure!(check.corruptions == 0, "the image is damaged: {check:?}");
    Ok(())
}
