//! Making, checking, converting, resizing.

use vthost::Image;
use vthost::prelude::*;

use super::{CALL, Info};

/// Makes an image, asks about it, checks it, removes it.
#[vthost::test(name = "qemu_img_create", tags = ["image"])]
fn create(test: &Test) -> Result {
    let format = test
        .params()
        .get("image_format")
        .unwrap_or_else(|| "qcow2".to_owned());
    let image = Image::open("new", &[("image_size", "64M"), ("image_format", &format)])?;
    ensure!(!image.exists(), "the image is there before it is made");
    image.create()?;
    let info = Info::of(&image)?;
    ensure!(
        info.size == 64 << 20,
        "the image has {} bytes, not 64 MiB",
        info.size
    );
    ensure!(
        info.format == format,
        "the image has the format {}",
        info.format
    );
    if format != "raw" {
        let check = image.check(CALL)?;
        ensure!(
            check.corruptions == 0 && check.leaks == 0,
            "a new image is damaged: {check:?}"
        );
    }
    image.remove()?;
    ensure!(!image.exists(), "the image is there after it was removed");
    Ok(())
}

/// Checks the image of a guest after it was used.
#[vthost::test(name = "qemu_img_check", tags = ["image"])]
fn check(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd("dd if=/dev/urandom of=/root/file bs=1M count=16 2>/dev/null && sync")?;
    vm.destroy(true)?;
    let name = test
        .params()
        .objects("images")
        .into_iter()
        .next()
        .unwrap_or_default();
    let check = Image::open(&name, &[])?.check(CALL)?;
    ensure!(check.corruptions == 0, "{name} is damaged: {check:?}");
    Ok(())
}

/// Copies an image into other formats and back, and compares.
#[vthost::test(name = "qemu_img_convert", tags = ["image"])]
fn convert(test: &Test) -> Result {
    let source = test
        .params()
        .objects("images")
        .into_iter()
        .next()
        .unwrap_or_default();
    let source = Image::open(&source, &[])?;
    for (format, compressed) in [("raw", false), ("qcow2", true), ("vmdk", false)] {
        let name = format!("to_{format}");
        let target = Image::open(&name, &[("image_format", format)])?;
        source.convert(&target, compressed, CALL)?;
        if let Some(difference) = source.compare(&target, CALL)? {
            bail_fail!("the copy as {format} differs: {difference}");
        }
        info!("{format}: {}", target.info()?);
        target.remove()?;
    }
    Ok(())
}

/// Makes a disk larger and smaller.
#[vthost::test(name = "qemu_img_resize", tags = ["image"])]
fn resize(_test: &Test) -> Result {
    let image = Image::open(
        "resized",
        &[("image_size", "64M"), ("image_format", "qcow2")],
    )?;
    image.create()?;
    image.resize(128 << 20, false)?;
    ensure!(
        Info::of(&image)?.size == 128 << 20,
        "the disk was not made larger"
    );
    ensure!(
        image.resize(32 << 20, false).is_err(),
        "a disk is made smaller without being told so"
    );
    image.resize(32 << 20, true)?;
    ensure!(
        Info::of(&image)?.size == 32 << 20,
        "the disk was not made smaller"
    );
    let check = image.check(CALL)?;
    ensure!(check.corruptions == 0, "the image is damaged: {check:?}");
    Ok(())
}

/// Compares what an image needs as another format with what it then takes.
#[vthost::test(name = "qemu_img_measure", tags = ["image"])]
fn measure(test: &Test) -> Result {
    let source = test
        .params()
        .objects("images")
        .into_iter()
        .next()
        .unwrap_or_default();
    let source = Image::open(&source, &[])?;
    let measured = source.measure("qcow2")?;
    ensure!(
        measured.required > 0 && measured.required <= measured.fully_allocated,
        "the measure is {measured:?}"
    );
    let target = Image::open("measured", &[("image_format", "qcow2")])?;
    source.convert(&target, false, CALL)?;
    let info = Info::of(&target)?;
    ensure!(
        info.actual <= measured.required + (1 << 20),
        "{} bytes were foretold, and {} were taken",
        measured.required,
        info.actual
    );
    Ok(())
}
