//! Keys: memory.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind, POSITIVE, Unit};
use super::objects::{BALLOON, MEMORY, NODE, Object, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const fn module(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(MEMORY))
        .at(Phase::Create)
}

const fn node(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(NODE))
        .at(Phase::Create)
}

const fn host(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).at(Phase::Preprocess)
}

const BACKENDS: &[&str] = &[
    "memory-backend-ram",
    "memory-backend-file",
    "memory-backend-memfd",
];
const POLICIES: &[&str] = &["default", "preferred", "bind", "interleave"];
const MODELS: &[&str] = &["dimm", "nvdimm", "virtio-mem"];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    module("backend_mem", Kind::Word(BACKENDS), "memory-backend-ram", "what a memory module is backed by; `vm_mem_backend` is for the machine itself"),
    vm("balloon", Kind::Names(Object::Balloon), "", "devices that take memory from the guest and give it back").example("balloon0"),
    vm("balloon_dev_devid", Kind::Text, "", "the id of the balloon").of(VM.and(BALLOON)),
    vm("balloon_opt_deflate_on_oom", Kind::Flag, "", "give memory back when the guest runs out of it").of(VM.and(BALLOON)),
    vm("balloon_opt_free_page_reporting", Kind::Flag, "", "let the guest tell which pages are free").of(VM.and(BALLOON)),
    vm("balloon_opt_guest_polling", Kind::Seconds, "", "seconds between two reports of the balloon").of(VM.and(BALLOON)).not_yet(),
    module("dimm_extra_params", Kind::Options, "", "properties added to a memory module").needs("qemu-args", When::Set).not_yet(),
    vm("guest_numa_nodes", Kind::Names(Object::NumaNode), "", "the NUMA nodes that the guest sees").example("node0 node1"),
    vm("hugepage", Kind::Flag, "no", "back the guest's memory with huge pages"),
    vm("hugepage_path", Kind::Path, "", "where huge pages are mounted").needs("host-files", When::Set),
    host("hugepages_deallocate", Kind::Flag, "yes", "give the huge pages back after the test"),
    host("hugepages_qemu_overhead", Kind::Size(Unit::MiB), "128", "memory that QEMU itself needs beside that of its guest"),
    host("ksm_run", Kind::Number { min: 0, max: 2 }, "1", "whether the kernel merges equal pages").needs("kernel", When::Set).not_yet(),
    module("label-size", Kind::Size(Unit::KiB), "", "the size of the labels of an `nvdimm`"),
    vm("maxmem", Kind::Size(Unit::MiB), "", "the most memory that the machine can have, what can be plugged in among it").example("32G"),
    vm("mem", POSITIVE, "1024", "memory of the machine, in MiB"),
    module("mem-path", Kind::Path, "", "the file behind a memory module").needs("host-files", When::Set),
    vm("mem_devs", Kind::Names(Object::Memory), "", "memory modules of the machine, beside its memory").example("mem1"),
    node("numa_cpus", Kind::Text, "", "the processors of the node").example("0-1"),
    node("numa_dist", Kind::Text, "", "the distances from the node to the others"),
    node("numa_initiator", COUNT, "", "the number of the node whose processors reach this one fastest"),
    node("numa_mem", Kind::Size(Unit::MiB), "", "memory of the node"),
    node("numa_memdev", Kind::Text, "", "the memory module that is the memory of the node").example("mem-mem1"),
    vm("numa_node", Kind::Number { min: i64::MIN, max: i64::MAX }, "", "the node of the host that the guest is bound to").not_yet(),
    node("numa_nodeid", COUNT, "", "the number of the node; the next one if it is not set"),
    host("overcommit_hugepages", COUNT, "0", "huge pages that the kernel may make beyond the reserved ones").needs("kernel", When::Set).not_yet(),
    module("prealloc", Kind::Flag, "", "take all memory of the module from the host at once"),
    vm("realtime_mlock", Kind::Flag, "", "keep all memory of QEMU from being swapped out"),
    host("setup_hugepages", Kind::Flag, "no", "reserve huge pages for the test").needs("kernel", When::Not(NO)),
    host("setup_ksm", Kind::Flag, "no", "let the kernel merge equal pages while the test runs").needs("kernel", When::Not(NO)).not_yet(),
    host("setup_thp", Kind::Flag, "no", "set how the kernel uses transparent huge pages").needs("kernel", When::Not(NO)).not_yet(),
    module("share", Kind::Flag, "", "share the memory of the module with other processes"),
    module("size_mem", Kind::Size(Unit::MiB), "", "the size of a memory module").example("1G"),
    vm("slots_mem", COUNT, "", "how many memory modules can be plugged in"),
    host("target_hugepages", COUNT, "", "how many huge pages are reserved").needs("kernel", When::Set),
    module("use_mem", Kind::Flag, "yes", "plug the memory module in before the machine runs"),
    vm("used_mem", Kind::Size(Unit::MiB), "", "memory that the test counts on").ignored("the reference does not read it either"),
    vm("vm_hugepage_mountpoint", Kind::Path, "", "where huge pages are mounted on the host, for memory that `hugepage_path` does not name").needs("host-files", When::Set),
    vm("vm_mem_backend", Kind::Word(BACKENDS), "", "what the memory of the machine is backed by"),
    vm("vm_mem_backend_path", Kind::Path, "", "the file or directory behind the memory of the machine").needs("host-files", When::Set),
    vm("vm_mem_host_nodes", Kind::Text, "", "the nodes of the host that the memory comes from"),
    vm("vm_mem_limit", Kind::Size(Unit::MiB), "", "the most memory that the guest can use; `mem` is cut to it").not_yet(),
    vm("vm_mem_minimum", Kind::Size(Unit::MiB), "512", "the least memory that the guest needs").not_yet(),
    vm("vm_mem_policy", Kind::Word(POLICIES), "", "how the nodes of the host are used"),
    vm("vm_mem_prealloc", Kind::Flag, "", "take all memory from the host at once"),
    vm("vm_mem_share", Kind::Flag, "", "share the memory with other processes"),
    module("vm_memdev_model", Kind::Word(MODELS), "dimm", "what a memory module is"),
];
