//! From a fresh machine to a passing test in a real guest.

use std::path::PathBuf;

use anyhow::Result;

use crate::{packs, sh, system, wasm_target};

/// What the other chores need, too: packages, target, host, packs and guest image.
pub(crate) struct Prepared {
    /// The binary.
    pub(crate) vthost: PathBuf,
    /// The directory of the packs.
    pub(crate) packs: PathBuf,
}

/// Installs and builds what is missing.
pub(crate) fn prepare(release: bool) -> Result<Prepared> {
    system::ensure_packages()?;
    wasm_target::ensure_wasm_target()?;
    let vthost = packs::build_host(release)?;
    let packs = packs::build(&vthost)?;
    sh::run(sh::command(&vthost).arg("bootstrap"))?;
    Ok(Prepared { vthost, packs })
}

/// `cargo xtask demo`.
pub(crate) fn main() -> Result<()> {
    let prepared = prepare(false)?;
    let pack = prepared.packs.join("tp-qemu.wasm");
    let shown = |path: &std::path::Path| {
        path.strip_prefix(sh::root())
            .unwrap_or(path)
            .display()
            .to_string()
    };
    sh::say(
        "Running",
        format!(
            "{} run --provider {} boot",
            shown(&prepared.vthost),
            shown(&pack)
        ),
    );
    let mut run = sh::command(&prepared.vthost);
    run.arg("run").arg("--provider").arg(&pack).arg("boot");
    sh::run(&mut run)?;
    sh::say(
        "Finished",
        "the results are beside the JOB LOG above; the link `latest` points to the newest",
    );
    Ok(())
}
