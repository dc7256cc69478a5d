//! `host.cfg`: variants that tell the host, so that a test can be bound to one (`only Host_debian`).

use std::fs;

/// What the host says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// `debian`, `Fedora`, `RHEL`, ...
    distro: String,
    version: String,
    release: String,
    arch: String,
    vendor: String,
    family: String,
}

impl Host {
    /// This machine.
    pub(super) fn this() -> Self {
        // A machine that does not say is called `unknown`.
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self::of(
            &read("/etc/os-release"),
            &read("/proc/cpuinfo"),
            std::env::consts::ARCH,
        )
    }

    fn of(os_release: &str, cpuinfo: &str, arch: &str) -> Self {
        let setting = |key: &str| {
            os_release
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .map(|value| value.trim_matches(['"', '\'']))
                .unwrap_or_default()
        };
        let cpu = |key: &str| {
            cpuinfo
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.trim() == key)
                .map(|(_, value)| value.trim())
                .unwrap_or_default()
        };
        let number = setting("VERSION_ID");
        let distro = match setting("ID") {
            "centos" if setting("NAME").contains("Stream") => "centos-stream",
            id => id,
        };
        let (version, release) = match number.split_once('.') {
            Some((version, release)) => (version, release),
            // Its releases have one number, and the reference takes that for the release.
            None if distro == "debian" => ("None", number),
            None => (number, "0"),
        };
        Self {
            distro: label(known(distro)),
            version: label(version),
            release: label(release),
            arch: label(arch),
            vendor: label(match cpu("vendor_id") {
                "GenuineIntel" => "intel",
                "AuthenticAMD" => "amd",
                "" => "unknown",
                other => other,
            }),
            family: label(cpu("cpu family")),
        }
    }

    /// The text of `host.cfg`.
    pub(super) fn text(&self) -> String {
        let Self {
            distro,
            version,
            release,
            arch,
            vendor,
            family,
        } = self;
        format!(
            "variants:\n    - @Host:\n        variants:\n            - @Host_{distro}:\n                variants:\n                    \
             - @m{version}:\n                        variants:\n                            - @u{release}:\n                                \
             variants:\n                                    - @Host_arch_{arch}:\n\
             variants:\n    - @HostCpuVendor:\n        variants:\n            - @{vendor}:\n\
             variants:\n    - @HostCpuFamily:\n        variants:\n            - @{family}:\n"
        )
    }
}

/// A system by the name that filters in tests have for it (`no Host_RHEL`). The reference detects systems by these names;
/// those without another one keep theirs.
fn known(id: &str) -> &str {
    match id {
        "rhel" => "RHEL",
        "fedora" => "Fedora",
        "ubuntu" => "Ubuntu",
        "sles" | "sled" => "SuSE",
        suse if suse.starts_with("opensuse") => "SuSE",
        other => other,
    }
}

/// A text as a label: what it says comes from a file, and becomes configuration.
fn label(text: &str) -> String {
    let label: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(32)
        .collect();
    if label.is_empty() {
        "unknown".to_owned()
    } else {
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_by_its_own_files() {
        let debian = Host::of(
            "NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n",
            "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n",
            "x86_64",
        );
        insta::assert_snapshot!(debian.text());
        let rhel = Host::of("ID=\"rhel\"\nVERSION_ID=\"9.4\"\n", "", "s390x");
        assert!(rhel.text().contains("- @Host_RHEL:"), "{}", rhel.text());
        assert_eq!((rhel.version.as_str(), rhel.release.as_str()), ("9", "4"));
        assert_eq!(
            (rhel.vendor.as_str(), rhel.family.as_str()),
            ("unknown", "unknown")
        );
        for (os_release, labels) in [
            ("ID=fedora\nVERSION_ID=43\n", ["Fedora", "43", "0"]),
            ("ID=ubuntu\nVERSION_ID=\"18.10\"\n", ["Ubuntu", "18", "10"]),
            (
                "NAME=\"CentOS Stream\"\nID=\"centos\"\nVERSION_ID=\"9\"\n",
                ["centos-stream", "9", "0"],
            ),
            (
                "NAME=\"CentOS Linux\"\nID=\"centos\"\nVERSION_ID=\"7\"\n",
                ["centos", "7", "0"],
            ),
            (
                "ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n",
                ["SuSE", "15", "6"],
            ),
            ("ID=\"sles\"\nVERSION_ID=\"12\"\n", ["SuSE", "12", "0"]),
            (
                "ID=\"openEuler\"\nVERSION_ID=\"24.03\"\n",
                ["openEuler", "24", "03"],
            ),
            ("ID=arch\n", ["arch", "unknown", "0"]),
        ] {
            let host = Host::of(os_release, "", "x86_64");
            assert_eq!([&host.distro, &host.version, &host.release], labels);
        }
        let sly = Host::of("ID=a:\\n  qemu_binary = /x\n", "", "x");
        assert!(!sly.text().contains("qemu_binary ="), "{}", sly.text());
    }
}
