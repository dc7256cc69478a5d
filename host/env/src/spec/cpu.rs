//! Processors: model and topology.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{CpuModel, Smp};

use super::{text, wrong};
use crate::Result;

/// What the reference's base configuration sets where the host decides; it means that nothing is set.
const UNSET: &str = "INVALID";

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    spec.cpu = model(params)?;
    spec.smp = topology(params)?;
    Ok(())
}

/// The model with its flags. Without one, or with `auto_cpu_model = yes`, QEMU gets the model that suits the accelerator.
fn model(params: &Params) -> Result<Option<CpuModel>> {
    let is_auto = params.flag("auto_cpu_model", false)?;
    let default = text(params, "default_cpu_model");
    let model = text(params, "cpu_model").or(default);
    let Some(model) = model.filter(|_| !is_auto) else {
        return Ok(None);
    };
    let flags = params
        .get_or("cpu_model_flags", "")
        .trim()
        .trim_start_matches(',');
    let text = if flags.is_empty() {
        model.to_owned()
    } else {
        format!("{model},{flags}")
    };
    text.parse()
        .map(Some)
        .map_err(|error| wrong("cpu_model", error))
}

/// The parts that are set are kept; of the others the cores (or, if they are set, the sockets) are as many as are needed
/// for all processors.
fn topology(params: &Params) -> Result<Smp> {
    let part = |key: &str| -> Result<Option<u32>> {
        match text(params, key) {
            None | Some(UNSET | "0") => Ok(None),
            Some(_) => Ok(Some(params.number_in(key, 1, 1..=4096)?)),
        }
    };
    let cpus = params.number_in("smp", 2, 1..=4096)?;
    let max = part("vcpu_maxcpus")?.unwrap_or(cpus).max(cpus);
    let mut smp = Smp {
        threads: part("vcpu_threads")?.unwrap_or(1),
        dies: part("vcpu_dies")?.unwrap_or(1),
        clusters: part("vcpu_clusters")?.unwrap_or(1),
        books: part("vcpu_books")?.unwrap_or(1),
        drawers: part("vcpu_drawers")?.unwrap_or(1),
        sockets: 1,
        cores: 1,
        cpus,
    };
    let (sockets, cores) = (part("vcpu_sockets")?, part("vcpu_cores")?);
    smp.sockets = sockets.unwrap_or(1);
    smp.cores = cores.unwrap_or(1);
    let inner = smp
        .max()
        .ok_or_else(|| params.invalid("vcpu_threads", "part of a topology that has an end"))?;
    let needed = max.div_ceil(inner);
    match (sockets, cores) {
        (None, Some(_)) => smp.sockets = needed,
        (_, None) => smp.cores = needed,
        (Some(_), Some(_)) => {}
    }
    Ok(smp)
}
