//! Images after a test.

use vthost_params::Params;
use vthost_qemu::image::{ImageRef, Secret};
use vthost_qemu::spec::{Drive, DriveFormat, Media};

use super::{After, Problems};
use crate::image::tool;
use crate::{Environment, Result, Vm};

/// Checks the images of ended machines with `check_image = yes`, and lets images that were made for the test take their
/// places, if the test passed and they are good.
pub(super) async fn end(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for vm in &env.vms {
        for drive in &vm.hardware().spec.drives {
            if let Err(error) = check(vm, drive, after, &mut problems).await {
                problems.push(error.chain());
            }
        }
    }
    let good = after.passed && problems.is_empty();
    for made in &env.made {
        match made.end(good) {
            Ok(Some(place)) => after.context.log.info(format!(
                "the new image is {} now ({})",
                place.display(),
                made.format().driver()
            )),
            Ok(None) => {}
            Err(error) => problems.push(error.chain()),
        }
    }
    problems
}

/// `check_image` of one image: what QEMU wrote to, so that a defect of QEMU shows. Space that was lost is a defect
/// too, unless `skip_cluster_leak_warn = yes`, or QEMU was killed, who cannot give it back then.
async fn check(vm: &Vm, drive: &Drive, after: &After<'_>, problems: &mut Problems) -> Result<()> {
    let params: Params = after.params.object(vm.name()).object(&drive.id);
    let is_wanted = params.flag("check_image", false)?;
    let is_skipped = params.flag("skip_image_processing", false)?;
    let is_used = vm.alive().is_some();
    let can_be_checked = drive.media == Media::Disk && drive.format == DriveFormat::Qcow2;
    // A file that is not there was removed with its directory, or never came to be.
    if !is_wanted || is_skipped || is_used || !can_be_checked || !drive.path.exists() {
        return Ok(());
    }
    let failed = |error: vthost_qemu::ImageError| {
        let text = format!("the image {} of {} cannot be checked", drive.id, vm.name());
        crate::Error::caused(crate::ErrorKind::Other, text, error)
    };
    let mut image = ImageRef::file(&drive.path, drive.format).with_backing(drive.backing.clone());
    if drive.backing.is_empty() {
        // An overlay is not encrypted, whatever is below it.
        image.secret = drive.secret.as_deref().map(Secret::new);
    }
    let found = tool(&params)?.check(&image, None).await.map_err(failed)?;
    if found.is_clean() {
        return Ok(());
    }
    let text = format!(
        "the image {} of {} is not clean: {} corruptions, {} leaked clusters",
        drive.id,
        vm.name(),
        found.corruptions,
        found.leaks
    );
    let only_leaks = found.corruptions == 0 && found.leaks > 0;
    let excused = params.flag("skip_cluster_leak_warn", false)? || vm.was_killed();
    if only_leaks && excused {
        after.context.log.warn(text);
    } else {
        problems.push(text);
    }
    Ok(())
}
