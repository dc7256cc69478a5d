//! The modules of the kernel that KVM consists of.

use std::fs;
use std::path::Path;

use vthost_metadata::ReadinessItem;

/// Looks for the modules of this machine's processor.
pub(super) fn check() -> Vec<ReadinessItem> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    modules(&cpuinfo)
        .into_iter()
        .map(|name| module(Path::new("/sys/module"), name))
        .collect()
}

/// The modules that a processor wants: `kvm`, and on x86 the one of its vendor.
fn modules(cpuinfo: &str) -> Vec<&'static str> {
    let vendor = cpuinfo
        .lines()
        .find(|line| line.starts_with("vendor_id"))
        .and_then(|line| Some(line.split_once(':')?.1.trim()));
    let of_vendor = match vendor {
        Some("GenuineIntel") => Some("kvm_intel"),
        Some("AuthenticAMD" | "HygonGenuine") => Some("kvm_amd"),
        _ => None,
    };
    ["kvm"].into_iter().chain(of_vendor).collect()
}

/// A module that is built into the kernel has a directory there, too.
fn module(loaded: &Path, name: &str) -> ReadinessItem {
    match loaded.join(name).exists() {
        true => ReadinessItem::ok(name, "loaded"),
        false => ReadinessItem::missing(name, "this module is not loaded: no hardware virtualization")
            .advice(format!("modprobe {name}, as root; if that fails, look for virtualization in the settings of the firmware")),
    }
}

#[cfg(test)]
mod tests {
    use vthost_metadata::ReadinessState;

    use super::*;

    #[test]
    fn the_processor_says_which_modules() {
        assert_eq!(
            modules("processor\t: 0\nvendor_id\t: GenuineIntel\n"),
            ["kvm", "kvm_intel"]
        );
        assert_eq!(modules("vendor_id\t: AuthenticAMD\n"), ["kvm", "kvm_amd"]);
        assert_eq!(modules("CPU implementer\t: 0x41\n"), ["kvm"]);
    }

    #[test]
    fn a_module_is_there_or_is_told_how_to_load() {
        let loaded = tempfile::tempdir().unwrap();
        fs::create_dir(loaded.path().join("kvm")).unwrap();
        assert_eq!(module(loaded.path(), "kvm").state, ReadinessState::Ok);
        let missing = module(loaded.path(), "kvm_amd");
        assert_eq!(missing.state, ReadinessState::Missing);
        assert!(missing.advice.unwrap().starts_with("modprobe kvm_amd"));
    }
}
