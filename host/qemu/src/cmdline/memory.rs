//! Memory, its nodes, and memory devices.

use super::absolute;
use crate::element::Element;
use crate::error::SpecError;
use crate::layout::Layout;
use crate::spec::{
    Hmat, MachineSpec, MemoryBackend, MemoryDevice, MemoryModel, MemorySource, NumaNode,
};

/// The backend of the memory that a machine has at the start.
pub(super) const MACHINE_MEMORY: &str = "mem-machine_mem";

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

impl MemoryBackend {
    /// The object.
    ///
    /// # Errors
    /// Its path is no text.
    pub fn element(&self, id: &str, size_mib: u64) -> Result<Element, SpecError> {
        let object = match &self.source {
            MemorySource::Ram => Element::object("memory-backend-ram", id),
            MemorySource::File(path) => Element::object("memory-backend-file", id).with(
                "mem-path",
                super::text("path of a memory backend", &absolute(path))?,
            ),
            MemorySource::Memfd { hugepage_kib } => Element::object("memory-backend-memfd", id)
                .maybe("hugetlb", hugepage_kib.map(|_| true))
                .maybe(
                    "hugetlbsize",
                    hugepage_kib
                        .filter(|size| *size > 0)
                        .map(|size| size * 1024),
                ),
        };
        Ok(object
            .with("size", size_mib.saturating_mul(MIB))
            .maybe("prealloc", self.prealloc.then_some(true))
            .maybe("share", self.share.then_some(true))
            .maybe("host-nodes", self.host_nodes.as_deref().map(node_list))
            .maybe("policy", self.policy.as_deref()))
    }
}

/// `0-2` as the list that JSON wants; the text was checked.
fn node_list(text: &str) -> Vec<u16> {
    let number = |text: &str| text.parse().unwrap_or(0);
    text.split(',')
        .flat_map(|part| match part.split_once('-') {
            Some((first, last)) => number(first)..=number(last),
            None => number(part)..=number(part),
        })
        .collect()
}

impl MemoryDevice {
    /// What makes the device: its backend, then the device.
    ///
    /// # Errors
    /// The machine has no place for it, or a path is no text.
    pub fn elements(&self, layout: &mut Layout) -> Result<Vec<Element>, SpecError> {
        let backend = format!("mem-{}", self.id);
        let id = match self.model {
            MemoryModel::Dimm => format!("dimm-{}", self.id),
            MemoryModel::Nvdimm { .. } => format!("nvdimm-{}", self.id),
            MemoryModel::VirtioMem { .. } => format!("virtio_mem-{}", self.id),
        };
        let device = match self.model {
            MemoryModel::Dimm => Element::device("pc-dimm", &id).maybe("addr", self.address),
            MemoryModel::Nvdimm { label_kib } => Element::device("nvdimm", &id)
                .maybe("label-size", (label_kib > 0).then_some(label_kib * 1024))
                .maybe("addr", self.address),
            MemoryModel::VirtioMem {
                requested_mib,
                block_mib,
            } => layout
                .virtio("virtio-mem", &id, None)?
                .with("requested-size", requested_mib.saturating_mul(MIB))
                .maybe("block-size", block_mib.map(|size| size.saturating_mul(MIB)))
                .maybe("memaddr", self.address),
        };
        let backend_element = self.backend.element(&backend, self.size_mib)?;
        Ok(vec![
            backend_element,
            device.with("memdev", backend).maybe("node", self.node),
        ])
    }
}

/// The text for `-m`.
pub(super) fn size(spec: &MachineSpec) -> Element {
    let memory = &spec.memory;
    let plugged: u64 = memory.devices.iter().map(|device| device.size_mib).sum();
    let grows = memory.max_mib.is_some() || memory.slots.is_some() || plugged > 0;
    let max = memory.max_mib.unwrap_or(spec.memory_mib + plugged);
    let slots = memory.slots.unwrap_or_else(|| {
        u32::try_from(memory.devices.len())
            .unwrap_or(u32::MAX)
            .max(1)
    });
    Element::option("-m", None)
        .with("size", format!("{}M", spec.memory_mib))
        .maybe("slots", grows.then_some(slots))
        .maybe("maxmem", grows.then(|| format!("{max}M")))
}

/// Whether the machine has to be told that there is persistent memory.
pub(super) fn has_nvdimm(spec: &MachineSpec) -> bool {
    let devices = &spec.memory.devices;
    devices
        .iter()
        .any(|device| matches!(device.model, MemoryModel::Nvdimm { .. }))
}

/// Whether the nodes have backends of their own, so that the machine has none.
pub(super) fn by_node(spec: &MachineSpec) -> bool {
    spec.memory
        .numa
        .iter()
        .any(|node| node.memory_mib.is_some())
}

/// The backends of the memory that is there at the start, and the nodes.
pub(super) fn elements(spec: &MachineSpec) -> Result<Vec<Element>, SpecError> {
    let mut elements = Vec::new();
    if let Some(backend) = &spec.memory.backend
        && !by_node(spec)
    {
        elements.push(backend.element(MACHINE_MEMORY, spec.memory_mib)?);
    }
    for (index, node) in spec.memory.numa.iter().enumerate() {
        elements.extend(numa_node(spec, index, node)?);
    }
    for distance in &spec.memory.distances {
        elements.push(
            Element::option("-numa", Some("dist"))
                .with("src", distance.from)
                .with("dst", distance.to)
                .with("val", distance.value),
        );
    }
    for entry in &spec.memory.hmat {
        let (word, fields) = match entry {
            Hmat::Locality(fields) => ("hmat-lb", fields),
            Hmat::Cache(fields) => ("hmat-cache", fields),
        };
        let option = Element::option("-numa", Some(word));
        elements.push(
            option.extend(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().into())),
            ),
        );
    }
    if spec.memory.lock {
        elements.push(Element::option("-overcommit", None).with("mem-lock", true));
    }
    Ok(elements)
}

fn numa_node(spec: &MachineSpec, index: usize, node: &NumaNode) -> Result<Vec<Element>, SpecError> {
    let number = node
        .id
        .unwrap_or_else(|| u32::try_from(index).unwrap_or(u32::MAX));
    let mut option = Element::option("-numa", Some("node")).with("nodeid", number);
    let mut elements = Vec::new();
    if let Some(size) = node.memory_mib {
        let id = format!("mem-node{number}");
        let default = MemoryBackend::new(MemorySource::Ram);
        let backend = node.backend.as_ref().or(spec.memory.backend.as_ref());
        elements.push(backend.unwrap_or(&default).element(&id, size)?);
        option = option.with("memdev", id);
    }
    option = option.maybe("initiator", node.initiator);
    let cpus = (!node.cpus.is_empty()).then(|| node.cpus.clone());
    elements.push(option.maybe("cpus", cpus));
    Ok(elements)
}
