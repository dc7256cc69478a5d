//! Memory: what backs it, its nodes, and what is plugged in.

use std::path::PathBuf;

use serde::Serialize;

/// How the memory of a machine is made; its size at the start is [`crate::MachineSpec::memory_mib`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Memory {
    /// What backs it. Default: QEMU's own anonymous memory.
    pub backend: Option<MemoryBackend>,
    /// Up to how many MiB it can grow. Default: what it has at the start and all devices of `devices` together.
    pub max_mib: Option<u64>,
    /// Places for memory devices. Default: one for each of `devices`.
    pub slots: Option<u32>,
    /// Memory devices that are there at the start.
    pub devices: Vec<MemoryDevice>,
    /// Nodes that the guest sees. Default: none are described.
    pub numa: Vec<NumaNode>,
    /// Distances between nodes, in tenths of the local one.
    pub distances: Vec<NumaDistance>,
    /// Heterogeneous memory attributes.
    pub hmat: Vec<Hmat>,
    /// Lock all memory of QEMU in RAM. Default: false.
    pub lock: bool,
}

/// What backs a piece of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryBackend {
    /// Where the pages come from.
    pub source: MemorySource,
    /// Take all pages at the start. Default: false.
    pub prealloc: bool,
    /// Let other processes map it (virtiofsd, vhost-user). Default: false.
    pub share: bool,
    /// NUMA nodes of the host that the pages come from, as QEMU takes them: `0`, `0-1`.
    pub host_nodes: Option<String>,
    /// How they are chosen: `bind`, `preferred`, `interleave`.
    pub policy: Option<String>,
}

impl MemoryBackend {
    /// From this source, with defaults.
    #[must_use]
    pub fn new(source: MemorySource) -> Self {
        Self {
            source,
            prealloc: false,
            share: false,
            host_nodes: None,
            policy: None,
        }
    }
}

/// Where the pages of a memory backend come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemorySource {
    /// Anonymous memory.
    Ram,
    /// A file, or a directory such as the mount of hugetlbfs.
    File(PathBuf),
    /// An anonymous file, of huge pages of this many KiB if a number is given.
    Memfd {
        /// Size of huge pages in KiB; 0 for the kernel's default. `None`: ordinary pages.
        hugepage_kib: Option<u64>,
    },
}

/// A piece of memory that is a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryDevice {
    /// Its id: the device is `<model>-<id>`, the backend `mem-<id>`.
    pub id: String,
    /// What it is.
    pub model: MemoryModel,
    /// Its size in MiB.
    pub size_mib: u64,
    /// What backs it.
    pub backend: MemoryBackend,
    /// The node of the guest that it belongs to. Default: QEMU's own.
    pub node: Option<u32>,
    /// Guest physical address. Default: QEMU's own.
    pub address: Option<u64>,
}

/// Kinds of memory devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryModel {
    /// A DIMM.
    Dimm,
    /// Persistent memory.
    Nvdimm {
        /// Size of the label area in KiB; 0 for none.
        label_kib: u64,
    },
    /// virtio-mem: of its size, so many MiB are plugged at the start.
    VirtioMem {
        /// MiB that are plugged at the start.
        requested_mib: u64,
        /// Granularity in MiB. Default: QEMU's own.
        block_mib: Option<u64>,
    },
}

/// A NUMA node of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NumaNode {
    /// Its number. Default: its place in the list.
    pub id: Option<u32>,
    /// Its processors as QEMU takes them, `0-1`; several ranges are several entries.
    pub cpus: Vec<String>,
    /// Its memory in MiB. All nodes together have the machine's memory.
    pub memory_mib: Option<u64>,
    /// What backs its memory. Default: anonymous memory if `memory_mib` is set.
    pub backend: Option<MemoryBackend>,
    /// The node whose processors are nearest, for nodes without any.
    pub initiator: Option<u32>,
}

/// How far one node is from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NumaDistance {
    /// From this node.
    pub from: u32,
    /// To that one.
    pub to: u32,
    /// 10 is local; at most 255, which means unreachable.
    pub value: u8,
}

/// An entry of the table of memory attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hmat {
    /// Latency or bandwidth, with QEMU's keys (`initiator`, `target`, `hierarchy`, `data-type`, `latency` or `bandwidth`).
    Locality(Vec<(String, String)>),
    /// A memory-side cache, with QEMU's keys (`node-id`, `size`, `level`, ...).
    Cache(Vec<(String, String)>),
}
