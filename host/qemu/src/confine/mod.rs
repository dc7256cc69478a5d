//! Landlock around QEMU.
//!
//! Who breaks out of the guest into QEMU, or talks QEMU into opening files (`migrate exec:`, `-chardev file`, a block
//! job onto `/dev/sda`), finds a process that can read its own program and libraries and its images, write its run
//! directory and its writable images, and start nothing (that part is QEMU's own seccomp filter). The rules are made
//! before the fork and follow from the specification alone; what an image says about other files is not believed.

mod files;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use serde::Serialize;

use crate::files::Paths;
use crate::spec::MachineSpec;
use files::{read_only_files, written_files};

/// The Landlock version whose rights are handled; older kernels enforce what they know of it.
pub(crate) const TESTED: ABI = ABI::V7;

/// What QEMU reads of the system besides its own program: libraries, firmware, name resolution for its NAT, and what
/// it wants to know of processors and memory.
pub(crate) const READABLE: [&str; 20] = [
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/qemu",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/random",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/kernel/mm",
];

/// Devices QEMU reads and writes.
pub(crate) const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/kvm", "/dev/full"];

/// How QEMU is confined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confinement {
    /// QEMU's own filter of system calls: it can start no program and gain no right.
    pub seccomp: bool,
    /// What it may do with files.
    pub landlock: Landlock,
}

/// Whether Landlock is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landlock {
    /// QEMU sees nothing but its own files.
    Enforced,
    /// The kernel is without Landlock; QEMU has all rights of its user on files.
    Unavailable,
    /// The specification asked for no confinement.
    Off,
}

/// The rules for one machine, to be applied in the child between fork and exec.
pub(crate) struct Rules {
    ruleset: Option<RulesetCreated>,
    /// What will be in force.
    pub(crate) confinement: Confinement,
}

impl Rules {
    /// Opens everything the rules name. Paths that do not exist are left out: QEMU cannot open them either.
    pub(crate) fn for_machine(
        spec: &MachineSpec,
        program: &Path,
        paths: &Paths,
    ) -> Result<Self, String> {
        if !spec.sandbox {
            let confinement = Confinement {
                seccomp: false,
                landlock: Landlock::Off,
            };
            return Ok(Self {
                ruleset: None,
                confinement,
            });
        }
        let ruleset = build(spec, program, paths).map_err(|error| error.to_string())?;
        let ruleset = known_to_kernel(ruleset)?;
        let landlock = match ruleset {
            Some(_) => Landlock::Enforced,
            None => Landlock::Unavailable,
        };
        Ok(Self {
            ruleset,
            confinement: Confinement {
                seccomp: true,
                landlock,
            },
        })
    }

    /// Takes the rules out, for the child.
    pub(crate) fn into_ruleset(self) -> Option<RulesetCreated> {
        self.ruleset
    }
}

/// The rules for a program that serves a device: it reads what QEMU may read of the system, writes the run directory,
/// and does what it likes with the directory that it serves. `None` on a kernel without Landlock.
pub(crate) fn daemon_rules(
    program: &Path,
    run_dir: &Path,
    serves: Option<&Path>,
) -> Result<Option<RulesetCreated>, String> {
    let build = || {
        let mut rules = allow(base(program)?, run_dir, writing())?;
        if let Some(path) = serves {
            rules = allow(rules, path, AccessFs::from_all(TESTED) & !AccessFs::Execute)?;
        }
        Ok(rules)
    };
    known_to_kernel(build().map_err(|error: RulesetError| error.to_string())?)
}

/// Nothing, if there is no descriptor behind the ruleset: the kernel is without Landlock.
fn known_to_kernel(ruleset: RulesetCreated) -> Result<Option<RulesetCreated>, String> {
    let copy = ruleset.try_clone().map_err(|error| error.to_string())?;
    let supported = Option::<OwnedFd>::from(copy).is_some();
    Ok(supported.then_some(ruleset))
}

/// All rights on files but these: no devices; no symbolic links and FIFOs either, with which a program could mislead who
/// reads its files.
fn writing() -> BitFlags<AccessFs> {
    let kinds = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSym | AccessFs::MakeFifo;
    AccessFs::from_all(TESTED) & !AccessFs::Execute & !kinds
}

/// What every program may read.
fn base(program: &Path) -> Result<RulesetCreated, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(TESTED))?
        // No signal to, and no abstract socket of, any process but itself.
        .scope(Scope::from_all(TESTED))?
        .create()?;
    for path in READABLE
        .iter()
        .map(PathBuf::from)
        .chain(installation(program))
    {
        rules = allow(rules, &path, AccessFs::from_read(TESTED))?;
    }
    for path in DEVICES {
        rules = allow(rules, Path::new(path), writing())?;
    }
    Ok(rules)
}

fn build(
    spec: &MachineSpec,
    program: &Path,
    paths: &Paths,
) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::from_read(TESTED) & !AccessFs::Execute;
    let mut rules = base(program)?;
    for path in read_only_files(spec) {
        rules = allow(rules, path, read)?;
    }
    rules = allow(rules, paths.run_dir(), writing())?;
    for path in written_files(spec) {
        rules = allow(rules, path, writing())?;
    }
    Ok(rules)
}

/// What belongs to a QEMU that is not installed in `/usr`: the program itself, and the libraries and firmware beside it.
pub(crate) fn installation(program: &Path) -> Vec<PathBuf> {
    let real = program
        .canonicalize()
        .unwrap_or_else(|_| program.to_owned());
    let prefix = real.parent().and_then(Path::parent).map(Path::to_owned);
    let beside = prefix.into_iter().flat_map(|prefix| {
        ["share/qemu", "share/seabios", "lib", "lib64", "libexec"].map(|part| prefix.join(part))
    });
    beside.chain([real]).collect()
}

pub(crate) fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(rules);
    };
    // Rights on directories make no sense on a file, and the kernel refuses them there.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(TESTED)
    };
    rules.add_rule(PathBeneath::new(opened, access))
}
