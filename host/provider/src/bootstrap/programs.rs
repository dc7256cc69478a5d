//! The programs that vthost calls, and those that tests may want (guide, section "Install Optional Packages").

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use vthost_metadata::{Packages, ReadinessItem};

/// The types of tests: the backends of the guide.
pub const TYPES: &[&str] = &[
    "qemu",
    "libvirt",
    "libguestfs",
    "openvswitch",
    "v2v",
    "lvsb",
    "spice",
];

/// The program that stands first in the table.
pub(super) const EMULATOR: &str = "qemu-system-x86_64";

/// Where programs are that a user's path may lack.
const OUTSIDE_PATH: &[&str] = &[
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/usr/libexec",
    "/usr/lib/qemu",
];

/// Who calls a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// vthost itself.
    Vthost,
    /// Tests, when there are some that need it.
    Tests,
}

/// A program of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its names; one of them is enough.
    pub names: &'static [&'static str],
    /// What it is for.
    pub purpose: &'static str,
    /// Its package for `apt-get`; empty if there is none.
    pub apt: &'static str,
    /// Its package for `dnf`; empty if there is none.
    pub dnf: &'static str,
    /// The types of tests that cannot do without it; `*` is every type.
    pub mandatory: &'static [&'static str],
    /// Who calls it.
    pub caller: Caller,
}

const fn program(
    names: &'static [&'static str],
    purpose: &'static str,
    apt: &'static str,
    dnf: &'static str,
) -> Program {
    Program {
        names,
        purpose,
        apt,
        dnf,
        mandatory: &[],
        caller: Caller::Tests,
    }
}

const fn of_vthost(program: Program) -> Program {
    Program {
        caller: Caller::Vthost,
        ..program
    }
}

const fn needed(program: Program, mandatory: &'static [&'static str]) -> Program {
    Program {
        mandatory,
        ..program
    }
}

/// All programs. The page "Bootstrap" of the documentation shows this table.
pub const PROGRAMS: &[Program] = &[
    needed(
        of_vthost(program(
            &[EMULATOR, "qemu-kvm", "kvm"],
            "runs the machines",
            "qemu-system-x86",
            "qemu-kvm",
        )),
        &["*"],
    ),
    needed(
        of_vthost(program(
            &["qemu-img"],
            "makes overlays of images, so that no test changes them",
            "qemu-utils",
            "qemu-img",
        )),
        &["*"],
    ),
    of_vthost(program(
        &["git"],
        "fetches providers from git repositories",
        "git",
        "git",
    )),
    of_vthost(program(
        &["gpg"],
        "checks the signatures of providers with a `pubkey`",
        "gnupg",
        "gnupg2",
    )),
    of_vthost(program(
        &["ssh-keygen"],
        "checks the ssh signatures of providers",
        "openssh-client",
        "openssh-clients",
    )),
    program(
        &["qemu-io"],
        "reads and writes images in tests of images",
        "qemu-utils",
        "qemu-img",
    ),
    program(
        &["qemu-nbd"],
        "serves images over the network",
        "qemu-utils",
        "qemu-img",
    ),
    program(
        &["tcpdump"],
        "finds the addresses of guests on bridges",
        "tcpdump",
        "tcpdump",
    ),
    program(
        &["nc", "ncat"],
        "talks to sockets of QEMU and to guests",
        "netcat-openbsd",
        "nmap-ncat",
    ),
    program(&["ip"], "makes bridges and taps", "iproute2", "iproute"),
    program(
        &["genisoimage", "mkisofs", "xorrisofs"],
        "makes isos with answers for installers",
        "genisoimage",
        "xorriso",
    ),
    program(
        &["mkfs.vfat"],
        "makes floppies with answers for installers",
        "dosfstools",
        "dosfstools",
    ),
    program(
        &["fakeroot"],
        "repacks installers of Debian and Ubuntu without root",
        "fakeroot",
        "fakeroot",
    ),
    program(
        &["cc", "gcc"],
        "builds programs that tests bring as source",
        "gcc",
        "gcc",
    ),
    program(
        &["make"],
        "builds programs that tests bring as source",
        "make",
        "make",
    ),
    program(&["swtpm"], "is the TPM of a machine", "swtpm", "swtpm"),
    program(
        &["virtiofsd"],
        "shares directories with guests",
        "virtiofsd",
        "virtiofsd",
    ),
    program(
        &["passt"],
        "is the network of a machine without root",
        "passt",
        "passt",
    ),
    needed(
        program(
            &["virsh"],
            "drives libvirt",
            "libvirt-clients",
            "libvirt-client",
        ),
        &["libvirt", "v2v", "lvsb"],
    ),
    needed(
        program(
            &["virtqemud", "libvirtd"],
            "is the daemon of libvirt",
            "libvirt-daemon-system",
            "libvirt-daemon-kvm",
        ),
        &["libvirt", "lvsb"],
    ),
    needed(
        program(
            &["virt-install"],
            "makes machines of libvirt",
            "virtinst",
            "virt-install",
        ),
        &["libvirt"],
    ),
    needed(
        program(
            &["guestfish"],
            "looks into images",
            "libguestfs-tools",
            "libguestfs",
        ),
        &["libguestfs"],
    ),
    needed(
        program(
            &["ovs-vsctl"],
            "drives Open vSwitch",
            "openvswitch-switch",
            "openvswitch",
        ),
        &["openvswitch"],
    ),
    needed(
        program(
            &["virt-v2v"],
            "brings machines of others to KVM",
            "virt-v2v",
            "virt-v2v",
        ),
        &["v2v"],
    ),
    needed(
        program(
            &["virt-sandbox"],
            "runs programs in machines of libvirt",
            "",
            "",
        ),
        &["lvsb"],
    ),
    needed(
        program(
            &["remote-viewer"],
            "shows the screen of a machine over SPICE",
            "virt-viewer",
            "virt-viewer",
        ),
        &["spice"],
    ),
];

impl Program {
    /// Whether tests of a type cannot do without it.
    pub fn is_mandatory(&self, vt_type: &str) -> bool {
        self.mandatory.contains(&"*") || self.mandatory.contains(&vt_type)
    }

    /// Whether it is of use for a type of tests: programs of other backends are not.
    pub fn concerns(&self, vt_type: &str) -> bool {
        self.mandatory.is_empty() || self.is_mandatory(vt_type)
    }

    /// Where it comes from.
    pub fn packages(&self) -> Packages {
        let package = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Packages {
            apt: package(self.apt),
            dnf: package(self.dnf),
        }
    }

    /// Looks for it.
    pub fn check(&self, vt_type: &str) -> ReadinessItem {
        let found = self.names.iter().find_map(|name| find(name));
        let item = match found {
            Some(path) => ReadinessItem::ok(path.display().to_string(), ""),
            None => ReadinessItem {
                packages: Some(self.packages()),
                ..ReadinessItem::missing(self.names.join(" or "), self.purpose)
            },
        };
        match self.is_mandatory(vt_type) {
            true => item.mandatory(),
            false => item,
        }
    }
}

/// Where a program is: on the path, or in a directory of the system that users may not have there.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(OUTSIDE_PATH.iter().map(PathBuf::from))
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| {
            file.metadata()
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
}

/// The package manager of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// `apt-get`, of Debian and its relatives.
    Apt,
    /// `dnf`, of Fedora and its relatives.
    Dnf,
}

impl Manager {
    /// The package manager of this machine, if it is one that vthost knows packages for.
    pub fn of_this_machine() -> Option<Self> {
        [("apt-get", Self::Apt), ("dnf", Self::Dnf)]
            .into_iter()
            .find_map(|(name, manager)| find(name).map(|_| manager))
    }

    /// The package for this manager.
    pub fn package(self, packages: &Packages) -> Option<&str> {
        match self {
            Self::Apt => packages.apt.as_deref(),
            Self::Dnf => packages.dnf.as_deref(),
        }
    }

    /// The command that installs packages; to be run as root.
    pub fn install(self, packages: &[String]) -> String {
        let command = match self {
            Self::Apt => "apt-get install --no-install-recommends",
            Self::Dnf => "dnf install",
        };
        format!("{command} {}", packages.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for program in PROGRAMS {
            for of in program.mandatory {
                assert!(*of == "*" || TYPES.contains(of), "{program:?}");
            }
            assert!(!program.names.is_empty() && !program.purpose.is_empty());
        }
        for vt_type in TYPES {
            assert!(PROGRAMS.iter().any(|program| program.is_mandatory(vt_type)));
        }
    }

    /// The table for readers, in Markdown.
    fn table() -> String {
        let mut text = String::from(
            "| program | what for | Debian, Ubuntu | Fedora, EL | mandatory for | called by |\n|---|---|---|---|---|---|\n",
        );
        for program in PROGRAMS {
            let names: Vec<_> = program
                .names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let package = |name: &str| match name {
                "" => "none".to_owned(),
                name => format!("`{name}`"),
            };
            let mandatory = match program.mandatory {
                ["*"] => "all types".to_owned(),
                types => types.join(", "),
            };
            let caller = match program.caller {
                Caller::Vthost => "vthost",
                Caller::Tests => "tests",
            };
            text += &format!(
                "| {} | {} | {} | {} | {mandatory} | {caller} |\n",
                names.join(" or "),
                program.purpose,
                package(program.apt),
                package(program.dnf),
            );
        }
        text
    }

    /// `UPDATE_DOCS=1` writes the page anew.
    #[test]
    fn the_documentation_shows_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/bootstrap.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("<!-- programs -->\n", "<!-- end of programs -->");
        let (before, rest) = page.split_once(begin).unwrap();
        let (shown, after) = rest.split_once(end).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let page = format!("{before}{begin}\n{}\n{end}{after}", table());
            std::fs::write(path, page).unwrap();
        } else {
            assert_eq!(
                shown.trim(),
                table().trim(),
                "run this test with UPDATE_DOCS=1"
            );
        }
    }

    #[test]
    fn what_is_missing_says_where_it_comes_from() {
        let program = Program {
            names: &["no-such-program", "nor-this-one"],
            ..PROGRAMS[1]
        };
        let item = program.check("qemu");
        assert_eq!(item.name, "no-such-program or nor-this-one");
        assert!(item.mandatory);
        let packages = item.packages.unwrap();
        assert_eq!(Manager::Apt.package(&packages), Some("qemu-utils"));
        assert_eq!(
            Manager::Dnf.install(&["a".to_owned(), "b".to_owned()]),
            "dnf install a b"
        );
        assert!(find("sh").is_some());
    }
}
