//! Keys: other devices.

use super::effect::{NO, When};
use super::key::{Key, Phase, key};
use super::kind::{COUNT, Kind};
use super::objects::{DRIVE, FILESYSTEM, NIC, Object, PCI, RNG, TPM, VM};

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM).at(Phase::Create)
}

const fn rng(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(RNG))
        .at(Phase::Create)
}

const fn tpm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(TPM))
        .at(Phase::Create)
}

const fn fs(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc)
        .of(VM.and(FILESYSTEM))
        .at(Phase::Create)
}

const ACTIONS: &[&str] = &[
    "reset",
    "shutdown",
    "poweroff",
    "pause",
    "debug",
    "none",
    "inject-nmi",
];

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("9p_export_dir", Kind::Path, "", "a directory of the host that the guest can mount by 9p, as `autotest_tag`").needs("host-files", When::Set),
    vm("9p_fs_driver", Kind::Word(&["local", "synth"]), "local", "how QEMU reaches the directory of `9p_export_dir`").ignored("QEMU has no other that a guest can use than `local`"),
    vm("9p_immediate_writeout", Kind::Flag, "no", "write to the directory of `9p_export_dir` at once"),
    vm("9p_readonly", Kind::Flag, "no", "the guest cannot write to the directory of `9p_export_dir`"),
    vm("9p_security_model", Kind::Word(&["passthrough", "mapped", "mapped-xattr", "mapped-file", "none"]), "mapped", "how owners and modes of files are kept"),
    rng("backend", Kind::Text, "rng-random", "where random numbers come from: `rng-random`, `rng-builtin`, `rng-egd`"),
    rng("backend_type", Kind::Word(&["builtin", "random", "passthrough"]), "builtin", "what the source of random numbers is behind"),
    fs("create_fs_source", Kind::Flag, "no", "make the directory that is shared").needs("host-files", When::Not(NO)).not_yet(),
    vm("enable_guest_iommu", Kind::Flag, "no", "a machine with an IOMMU").not_yet(),
    vm("enable_watchdog", Kind::Flag, "no", "a watchdog that acts when the guest does not wind it up"),
    rng("filename_passthrough", Kind::Path, "/dev/urandom", "the file of the host that random numbers are read from").needs("host-files", When::Not(&["/dev/urandom", "/dev/random"])),
    vm("filesystems", Kind::Names(Object::Filesystem), "", "directories of the host that the guest can mount").example("fs1"),
    fs("force_create_fs_source", Kind::Flag, "no", "make the directory that is shared anew").needs("host-files", When::Not(NO)).not_yet(),
    fs("fs_binary", Kind::Program, "", "the virtiofsd to run").needs("exec", When::Set),
    fs("fs_binary_extra_options", Kind::List, "", "options added to virtiofsd").needs("exec", When::Set),
    fs("fs_driver", Kind::Word(&["virtio-fs", "virtio-9p"]), "virtio-fs", "how the guest mounts a shared directory"),
    fs("fs_source_base_dir", Kind::Path, "", "the directory that `fs_source_dir` is relative to").needs("host-files", When::Set),
    fs("fs_source_dir", Kind::Path, "", "the directory of the host that is shared").needs("host-files", When::Set),
    fs("fs_source_type", Kind::Word(&["mount", "virtiofs"]), "mount", "how the shared directory is found").not_yet(),
    fs("fs_target", Kind::Text, "", "the name by which the guest mounts a shared directory").example("myfs"),
    vm("intel_iommu", Kind::Flag, "no", "a machine with Intel's IOMMU"),
    vm("iommu_caching_mode", Kind::Flag, "", "the IOMMU tells of new mappings"),
    vm("iommu_device_iotlb", Kind::Flag, "on", "devices have a cache of mappings of their own"),
    vm("iommu_eim", Kind::Flag, "", "the IOMMU remaps interrupts to more than 255 processors"),
    vm("iommu_intremap", Kind::Flag, "on", "the IOMMU remaps interrupts"),
    rng("max-bytes_virtio-rng", COUNT, "", "random bytes that the guest gets in a period"),
    vm("pci_addr", Kind::Text, "", "the PCI address of a device").of(VM.and(PCI)),
    vm("pci_bus", Kind::Text, "", "the PCI bus that devices are put on").of(VM.and(DRIVE).and(NIC).and(RNG).and(PCI)).example("pci.0").not_yet(),
    vm("pci_controllers", Kind::Names(Object::PciController), "", "PCI bridges and ports of a machine").example("root1").not_yet(),
    vm("pcie_extra_root_port", COUNT, "0", "free PCI Express ports to plug devices into while the machine runs"),
    vm("pcie_root_port_params", Kind::Options, "", "properties added to PCI Express ports").needs("qemu-args", When::Set).not_yet(),
    rng("period_virtio-rng", COUNT, "", "the period of `max-bytes_virtio-rng`, in milliseconds"),
    fs("remove_fs_source", Kind::Flag, "no", "remove the directory that was shared").needs("host-files", When::Not(NO)).not_yet(),
    rng("rng_chardev_backend", Kind::Text, "", "how a daemon that gives random numbers is reached").not_yet(),
    vm("setup_egd", Kind::Flag, "no", "start a daemon that gives random numbers").needs("exec", When::Not(NO)).not_yet(),
    vm("testdev", Kind::Flag, "no", "the device of the unit tests of KVM"),
    tpm("tpm_bin", Kind::Program, "", "the swtpm to run").needs("exec", When::Set),
    tpm("tpm_bin_extra_options", Kind::Command, "", "options added to swtpm").needs("exec", When::Set).not_yet(),
    tpm("tpm_device_path", Kind::Path, "", "the TPM of the host that is passed through").needs("kernel", When::Set),
    tpm("tpm_model", Kind::Text, "", "the TPM, as QEMU names it; that of the machine if it is not set").example("tpm-crb"),
    tpm("tpm_setup_bin", Kind::Program, "", "the swtpm_setup to run").needs("exec", When::Set).not_yet(),
    tpm("tpm_type", Kind::Word(&["emulator", "passthrough"]), "emulator", "what is behind a TPM"),
    tpm("tpm_version", Kind::Word(&["1.2", "2.0"]), "2.0", "the version of a TPM"),
    vm("tpms", Kind::Names(Object::Tpm), "", "the TPMs of a machine").example("tpm0"),
    vm("virtio_dev_ats", Kind::Flag, "", "virtio devices have a cache of mappings").not_yet(),
    vm("virtio_dev_disable_legacy", Kind::Flag, "", "virtio devices do not speak the old protocol").not_yet(),
    vm("virtio_dev_disable_modern", Kind::Flag, "", "virtio devices speak the old protocol only").not_yet(),
    vm("virtio_dev_iommu_platform", Kind::Flag, "", "virtio devices are behind the IOMMU").not_yet(),
    vm("virtio_iommu", Kind::Flag, "no", "a machine with the IOMMU of virtio"),
    vm("virtio_iommu_extra_params", Kind::Options, "", "properties added to the IOMMU of virtio").needs("qemu-args", When::Set),
    vm("virtio_rngs", Kind::Names(Object::Rng), "", "sources of random numbers for the guest").example("rng0"),
    vm("vm_hostdevs", Kind::List, "", "devices of the host that are passed through").needs("kernel", When::Set).not_yet(),
    vm("vm_secure_guest_type", Kind::Text, "", "how the memory of the guest is encrypted").not_yet(),
    vm("vsocks", Kind::List, "", "sockets between host and guest").needs("kernel", When::Set).not_yet(),
    vm("watchdog_action", Kind::Word(ACTIONS), "reset", "what the watchdog does"),
    vm("watchdog_device_type", Kind::Text, "i6300esb", "the watchdog, as QEMU names it"),
];
