//! Whether this machine can run a plan.

use std::collections::BTreeSet;
use std::path::PathBuf;

use vthost_qemu::ProbeError;

use crate::{Places, Plan, Planned};

/// What this machine lacks for a plan.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// There is no QEMU.
    #[error("this machine has no QEMU that works")]
    Qemu(#[source] ProbeError),
    /// Guest images are missing.
    #[error("guest images are missing: {}; `vthost bootstrap` builds {}, others are yours to put there", list(.0), vthost_provider::bootstrap::JEOS_IMAGE)]
    Images(BTreeSet<PathBuf>),
}

fn list(paths: &BTreeSet<PathBuf>) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

/// Checks before anything starts that QEMU and the images of the plan are there.
///
/// # Errors
/// [`NotReady`] with what is missing and what to do.
pub fn check_ready(plan: &Plan, places: &Places) -> Result<(), NotReady> {
    let with_vms: Vec<&Planned> = plan
        .tests
        .iter()
        .filter(|test| test.will_run())
        .filter(|test| test.vms().next().is_some())
        .collect();
    if with_vms.is_empty() {
        return Ok(());
    }
    let (mut missing, mut made) = (BTreeSet::new(), BTreeSet::new());
    for test in with_vms {
        let params = test.params();
        for vm in test.vms() {
            let vm = params.object(vm);
            vthost_env::binary(&vm, &places.binaries).map_err(NotReady::Qemu)?;
            for image in vm.objects("images") {
                let image = vm.object(image);
                // A parameter that is wrong is the error of its test, not of the machine.
                let Ok((path, _)) = vthost_env::base_image(&image, &places.data) else {
                    continue;
                };
                // The test makes it, and may leave it to those after it.
                let makes = |key| image.flag(key, false).unwrap_or(true);
                if makes("create_image") || makes("force_create_image") {
                    made.insert(path);
                } else if !path.exists() && !made.contains(&path) {
                    missing.insert(path);
                }
            }
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(NotReady::Images(missing))
    }
}
