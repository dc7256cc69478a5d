//! Overlays.

use vthost::Image;
use vthost::prelude::*;

use super::{CALL, Info};

/// The images of these tests are small.
const SMALL: &[(&str, &str)] = &[("image_size", "64M"), ("image_format", "qcow2")];

/// Makes an overlay over the image of a guest, has the guest write to it, and writes that into the image below.
#[vthost::test(name = "qemu_img_commit", tags = ["image"])]
fn commit(_test: &Test) -> Result {
    let base = Image::open("base", SMALL)?;
    base.create()?;
    let overlay = Image::over(&base, "overlay", SMALL)?;
    overlay.create()?;
    ensure!(
        Info::of(&overlay)?.is_over("base"),
        "the overlay has no image below it"
    );
    overlay.commit(CALL)?;
    let check = base.check(CALL)?;
    ensure!(
        check.corruptions == 0,
        "the image below is damaged: {check:?}"
    );
    Ok(())
}

/// Puts an overlay on another image, and on none.
#[vthost::test(name = "qemu_img_rebase", tags = ["image"])]
fn rebase(_test: &Test) -> Result {
    let base = Image::open("base", SMALL)?;
    base.create()?;
    let middle = Image::over(&base, "middle", SMALL)?;
    middle.create()?;
    let top = Image::over(&middle, "top", SMALL)?;
    top.create()?;
    ensure!(
        Info::of(&top)?.is_over("middle"),
        "the image below is another"
    );
    top.rebase(Some(&base), false, CALL)?;
    let info = Info::of(&top)?;
    ensure!(
        info.is_over("base"),
        "the overlay did not move: it is over {:?}",
        info.backing
    );
    top.rebase(None, false, CALL)?;
    ensure!(
        Info::of(&top)?.backing.is_none(),
        "there is still an image below"
    );
    if let Some(difference) = base.compare(&top, CALL)? {
        bail_fail!("the disk has changed: {difference}");
    }
    Ok(())
}
