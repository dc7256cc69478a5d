//! Whether this machine can run a plan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vthost_qemu::ProbeError;

use crate::{Plan, Planned};

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
pub fn check_ready(plan: &Plan, data_dir: &Path) -> Result<(), NotReady> {
    let with_vms: Vec<&Planned> = plan
        .tests
        .iter()
        .filter(|test| test.will_run())
        .filter(|test| test.vms().next().is_some())
        .collect();
    if with_vms.is_empty() {
        return Ok(());
    }
    let mut missing = BTreeSet::new();
    for test in with_vms {
        let params = test.params();
        for vm in test.vms() {
            let vm = params.object(vm);
            vthost_env::binary(&vm).map_err(NotReady::Qemu)?;
            for image in vm.objects("images") {
                // A parameter that is wrong is the error of its test, not of the machine.
                if let Ok((path, _)) = vthost_env::base_image(&vm.object(image), data_dir)
                    && !path.exists()
                {
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
