//! Memory: what backs it, its nodes, and modules.

use vthost_params::Params;
use vthost_params::registry::Unit;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{
    MemoryBackend, MemoryDevice, MemoryModel, MemorySource, NumaDistance, NumaNode,
};

use super::{number, text};
use crate::Result;

/// Bytes of a MiB and of a KiB.
const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    spec.memory_mib = machine_mib(params)?;
    spec.memory.backend = machine_backend(params)?;
    spec.memory.lock = params.flag("realtime_mlock", false)?;
    let nodes = params.names("guest_numa_nodes")?;
    let nodes: Vec<Params> = nodes.iter().map(|name| params.object(name)).collect();
    for name in params.names("mem_devs")? {
        let module = params.object(name);
        let is_node = nodes.iter().any(|node| memdev(node) == Some(name));
        if module.flag("use_mem", true)? && !is_node {
            spec.memory.devices.push(device(name, &module)?);
        }
    }
    // The guide addresses both to the memory itself.
    let memory = params.object("mem");
    spec.memory.max_mib = match text(&memory, "maxmem") {
        None => None,
        Some(_) => mib(&memory, "maxmem", 0)?,
    };
    spec.memory.slots = number(params, "slots_mem")?;
    for node in &nodes {
        spec.memory.numa.push(numa_node(node, params)?);
    }
    spec.memory.distances = distances(spec, params)?;
    Ok(())
}

/// The memory of a machine in MiB, without modules.
pub(crate) fn machine_mib(params: &Params) -> Result<u64> {
    Ok(mib(params, "mem", 1024)?.unwrap_or(1024))
}

/// The size of a key in MiB, if it is set.
fn mib(params: &Params, key: &str, least: u64) -> Result<Option<u64>> {
    if text(params, key).is_none() {
        return Ok(None);
    }
    let bytes = params.size(key, least * MIB, Unit::MiB)?;
    if bytes % MIB != 0 {
        return Err(params.invalid(key, "a size in whole MiB").into());
    }
    Ok(Some(bytes / MIB))
}

/// What backs the memory of the machine: by name, or huge pages by `hugepage`.
fn machine_backend(params: &Params) -> Result<Option<MemoryBackend>> {
    let huge = params.flag("hugepage", false)?;
    let share = params.flag("vm_mem_share", false)?;
    let host = text(params, "vm_mem_host_nodes").or(text(params, "vm_mem_policy"));
    let kind = text(params, "vm_mem_backend");
    if !huge && !share && kind.is_none() && host.is_none() {
        return Ok(None);
    }
    let mount = text(params, "hugepage_path").or(text(params, "vm_hugepage_mountpoint"));
    let mount = mount.filter(|_| huge);
    let default = match mount {
        Some(_) => "memory-backend-file",
        // Nothing needs to be mounted for these.
        None if huge => "memory-backend-memfd",
        None => "memory-backend-ram",
    };
    let usual = if huge { "/dev/hugepages" } else { "" };
    let path = params.get_or("vm_mem_backend_path", mount.unwrap_or(usual));
    let source = source(
        params,
        "vm_mem_backend",
        kind.unwrap_or(default),
        path,
        huge,
    )?;
    Ok(Some(MemoryBackend {
        source,
        prealloc: params.flag("vm_mem_prealloc", huge)?,
        share,
        host_nodes: nodes(params, "vm_mem_host_nodes"),
        policy: text(params, "vm_mem_policy").map(str::to_owned),
    }))
}

fn source(params: &Params, key: &str, kind: &str, path: &str, huge: bool) -> Result<MemorySource> {
    Ok(match kind {
        "memory-backend-ram" => MemorySource::Ram,
        "memory-backend-memfd" => MemorySource::Memfd {
            hugepage_kib: huge.then_some(0),
        },
        "memory-backend-file" if path.is_empty() => {
            return Err(params
                .invalid(
                    key,
                    "usable without a path (vm_mem_backend_path, mem-path_mem)",
                )
                .into());
        }
        "memory-backend-file" => MemorySource::File(path.into()),
        _ => {
            let known = [
                "memory-backend-ram",
                "memory-backend-file",
                "memory-backend-memfd",
            ];
            return Err(params.invalid_word(key, &known).into());
        }
    })
}

/// Blanks between the numbers are the reference's, commas are QEMU's.
fn nodes(params: &Params, key: &str) -> Option<String> {
    let given = text(params, key)?;
    Some(given.split_whitespace().collect::<Vec<_>>().join(","))
}

/// A memory module: the keys of its backend end in `_mem`, those of the device in `_dimm` or `_memory`.
pub(crate) fn device(name: &str, module: &Params) -> Result<MemoryDevice> {
    let backend = module.object("mem");
    let slot = module.object("dimm");
    let size_mib = mib(&backend, "size", 0)?
        .ok_or_else(|| module.invalid("size_mem", "a size of at least 1 MiB"))?;
    let kinds = ["dimm", "nvdimm", "virtio-mem"];
    let model = match module.word("vm_memdev_model", "dimm", &kinds)? {
        "nvdimm" => MemoryModel::Nvdimm {
            label_kib: slot.size("label-size", 0, Unit::KiB)? / KIB,
        },
        "virtio-mem" => {
            let memory = module.object("memory");
            MemoryModel::VirtioMem {
                requested_mib: mib(&memory, "requested-size", 0)?.unwrap_or(0),
                block_mib: mib(&memory, "block-size", 0)?,
            }
        }
        _ => MemoryModel::Dimm,
    };
    let kind = backend.get_or("backend", "memory-backend-ram");
    let path = backend.get_or("mem-path", "");
    Ok(MemoryDevice {
        id: name.to_owned(),
        model,
        size_mib,
        backend: MemoryBackend {
            source: source(&backend, "backend", kind, path, false)?,
            prealloc: backend.flag("prealloc", false)?,
            share: backend.flag("share", false)?,
            host_nodes: nodes(&backend, "host-nodes"),
            policy: text(&backend, "policy").map(str::to_owned),
        },
        node: number(&slot, "node")?,
        address: address(&slot, "addr")?,
    })
}

/// A number as QEMU takes it: decimal or `0x...`.
pub(super) fn address(params: &Params, key: &str) -> Result<Option<u64>> {
    let Some(given) = text(params, key) else {
        return Ok(None);
    };
    let number = match given.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => given.parse().ok(),
    };
    number
        .map(Some)
        .ok_or_else(|| params.invalid(key, "an address").into())
}

/// The module of `mem_devs` that is the memory of a node: `numa_memdev` is the id of its backend, `mem-<name>`.
fn memdev(node: &Params) -> Option<&str> {
    let id = text(node, "numa_memdev")?;
    Some(id.strip_prefix("mem-").unwrap_or(id))
}

fn numa_node(params: &Params, machine: &Params) -> Result<NumaNode> {
    let module = match memdev(params) {
        None => None,
        Some(name) if machine.names("mem_devs")?.contains(&name) => {
            Some(device(name, &machine.object(name))?)
        }
        Some(_) => {
            let expected = "`mem-` and the name of a module of `mem_devs`";
            return Err(params.invalid("numa_memdev", expected).into());
        }
    };
    let size = module.as_ref().map(|module| module.size_mib);
    let cpus = text(params, "numa_cpus").unwrap_or_default();
    Ok(NumaNode {
        id: number(params, "numa_nodeid")?,
        cpus: cpus
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        memory_mib: size.or(mib(params, "numa_mem", 0)?),
        backend: module.map(|module| module.backend),
        initiator: number(params, "numa_initiator")?,
    })
}

/// The distances of each node: pairs of a node and a distance, `[[1, 20], [2, 40]]`. Of the text only the numbers count.
fn distances(spec: &MachineSpec, params: &Params) -> Result<Vec<NumaDistance>> {
    let mut found = Vec::new();
    for (index, name) in params.names("guest_numa_nodes")?.into_iter().enumerate() {
        let node = params.object(name);
        let given = text(&node, "numa_dist").unwrap_or_default();
        let numbers: Option<Vec<u32>> = given
            .split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().ok())
            .collect();
        let expected = || {
            node.invalid(
                "numa_dist",
                "pairs of a node and a distance to it (10 to 255), as `[[1, 20]]`",
            )
        };
        let numbers = numbers.ok_or_else(expected)?;
        let own = spec.memory.numa.get(index).and_then(|node| node.id);
        let from = own.unwrap_or_else(|| u32::try_from(index).unwrap_or(u32::MAX));
        for pair in numbers.chunks(2) {
            let (to, value) = match pair {
                [to, value] => (*to, u8::try_from(*value).map_err(|_| expected())?),
                _ => return Err(expected().into()),
            };
            found.push(NumaDistance { from, to, value });
        }
    }
    Ok(found)
}
