//! Every way this crate can fail. A message is a lower-case fragment that carries its attributes; the cause, where
//! there is one, is in `source()` and is not repeated.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::binary::Version;
pub use crate::machine::MachineError;
pub use crate::qmp::QmpError;
use crate::spec::Arch;

/// QEMU could not be found or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No binary of any known name is in `PATH`.
    #[error(
        "no QEMU found in PATH (looked for {}); install it with `apt-get install {}` or run `vthost bootstrap`",
        names.join(", "), package(*arch)
    )]
    NotFound {
        /// The architecture of the machine.
        arch: Arch,
        /// The names that were looked for, in order.
        names: Vec<String>,
    },
    /// The given path is not an executable file.
    #[error(
        "{} is not an executable file; correct the path, or install QEMU with `apt-get install qemu-system-x86`",
        path.display()
    )]
    NotExecutable {
        /// The path as given.
        path: PathBuf,
    },
    /// The binary did not run.
    #[error("cannot run `{} --version`", path.display())]
    Run {
        /// The binary.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The binary ran, but did not print a version of QEMU.
    #[error("`{} --version` did not name a QEMU version, it printed {output:?}", path.display())]
    NotQemu {
        /// The binary.
        path: PathBuf,
        /// The first line of its output.
        output: String,
    },
    /// The binary did not tell what it has.
    #[error("{} did not tell what it can do: {reason}", path.display())]
    Features {
        /// The binary.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The binary is older than vthost supports.
    #[error("{} is QEMU {found}, but {needed} or newer is needed; upgrade the package", path.display())]
    TooOld {
        /// The binary.
        path: PathBuf,
        /// Its version.
        found: Version,
        /// The oldest version that works.
        needed: Version,
    },
}

/// A machine specification that cannot be turned into a command line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A name or id breaks the rules of QEMU or of file names.
    #[error("{what} {value:?} is not a valid name: {rule}")]
    Name {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A value is outside of what QEMU takes.
    #[error("{field} is {value:?}, but {rule}")]
    Value {
        /// Which field.
        field: String,
        /// Its value.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// Two parts of the machine have the same id.
    #[error(
        "id {id:?} is used twice in machine {machine:?}; give every drive, nic and serial an id of its own"
    )]
    DuplicateId {
        /// The machine.
        machine: String,
        /// The id.
        id: String,
    },
    /// More devices than the bus has places for.
    #[error("{count} {what}, but machine type {machine} has room for {room}; {advice}")]
    TooMany {
        /// What kind of device.
        what: &'static str,
        /// How many are asked for.
        count: usize,
        /// How many fit.
        room: usize,
        /// The machine type.
        machine: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// Two devices ask for one place.
    #[error(
        "{second} wants {place} of {bus}, which is taken by {first}; give one of them another place"
    )]
    PlaceTaken {
        /// The place in words.
        place: String,
        /// The bus.
        bus: String,
        /// Who has it.
        first: String,
        /// Who wants it, too.
        second: String,
    },
    /// A place that the bus does not have.
    #[error("{user} wants {place} of {bus}, which has {first} to {last} only")]
    NoPlace {
        /// Who wants it.
        user: String,
        /// The bus.
        bus: String,
        /// What it wants.
        place: String,
        /// The first place there is.
        first: u32,
        /// The last one.
        last: u32,
    },
    /// Nothing of the kind is left, or the machine has none of it.
    #[error(
        "no {what} of {bus} is left for {user} on machine type {machine}; remove a device, attach it another way, or use another machine type"
    )]
    NoRoom {
        /// Who wants it.
        user: String,
        /// The bus.
        bus: String,
        /// What is missing.
        what: String,
        /// The machine type.
        machine: String,
    },
    /// The binary does not have what the machine is made of.
    #[error("{} has no {what} {name:?}{}", binary.display(), nearest(near))]
    Unknown {
        /// `machine type`, `device`, `cpu model`.
        what: &'static str,
        /// What is asked for.
        name: String,
        /// The binary.
        binary: PathBuf,
        /// Names that it has and that look like it.
        near: Vec<String>,
    },
    /// The binary could not be asked what it has.
    #[error("cannot find out what {} can do", binary.display())]
    Probe {
        /// The binary.
        binary: PathBuf,
        /// Why.
        source: Box<ProbeError>,
    },
    /// A file the machine needs cannot be opened the way the machine needs it.
    #[error("{what}: cannot open {} for {access}; create the file, correct its path or its permissions", path.display())]
    File {
        /// Which part of the machine.
        what: String,
        /// The file.
        path: PathBuf,
        /// `reading` or `writing`.
        access: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A UNIX socket path longer than the kernel takes.
    #[error(
        "socket path {} has {} bytes, but the kernel takes 107; use a shorter run directory",
        path.display(), path.as_os_str().len()
    )]
    SocketPath {
        /// The path.
        path: PathBuf,
    },
    /// KVM was asked for by name and does not work here.
    #[error(
        "kvm is required, but unusable here: {reason}; use the accelerator choice `auto` or `tcg`"
    )]
    KvmUnusable {
        /// Why, from [`crate::accel::usable`].
        reason: String,
    },
}

/// A machine that did not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The specification is wrong; nothing was started.
    #[error("machine {machine:?} has an invalid specification")]
    Spec {
        /// The machine.
        machine: String,
        /// What is wrong.
        source: Box<SpecError>,
    },
    /// A directory, log file or socket could not be made.
    #[error("cannot prepare {what} for machine {machine:?}")]
    Prepare {
        /// The machine.
        machine: String,
        /// What could not be made.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The confinement could not be built on a kernel that supports it.
    #[error("cannot confine machine {machine:?}: {reason}")]
    Confine {
        /// The machine.
        machine: String,
        /// What failed.
        reason: String,
    },
    /// The process could not be created.
    #[error("cannot start {}", program.display())]
    Spawn {
        /// The binary.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program that serves a device is not installed.
    #[error(
        "machine {machine:?} needs {program}, which is not in PATH; install it, or leave out {what}"
    )]
    NoDaemon {
        /// The machine.
        machine: String,
        /// The program.
        program: String,
        /// The device that it serves.
        what: String,
    },
    /// A program that serves a device ended before the machine did.
    #[error("{program} of machine {machine:?} ended at start ({status}); it said:\n{output}", output = indented(output))]
    Daemon {
        /// The machine.
        machine: String,
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// QEMU ended before its monitor answered.
    #[error("QEMU of machine {machine:?} ended at start ({status}); it said:\n{output}", output = indented(output))]
    Exited {
        /// The machine.
        machine: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// QEMU runs, but its monitor did not come up; the process was killed.
    #[error("the monitor of machine {machine:?} did not come up")]
    Monitor {
        /// The machine.
        machine: String,
        /// Why.
        source: QmpError,
    },
    /// The machine to take over from cannot be cloned.
    #[error("cannot start a machine that takes over from {machine:?}")]
    Destination {
        /// The machine.
        machine: String,
        /// Why.
        source: Box<MachineError>,
    },
}

/// A serial console that did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SerialError {
    /// The awaited output did not come in time.
    #[error("serial {name:?} did not print {awaited} within {} s; it printed:\n{}", within.as_secs_f32(), indented(tail))]
    Timeout {
        /// The console.
        name: String,
        /// What was awaited.
        awaited: String,
        /// How long.
        within: Duration,
        /// The last lines printed while waiting, control characters escaped.
        tail: String,
    },
    /// QEMU has closed the console while output was awaited.
    #[error(
        "serial {name:?} closed before it printed {awaited}; it printed:\n{}",
        indented(tail)
    )]
    Closed {
        /// The console.
        name: String,
        /// What was awaited.
        awaited: String,
        /// The last lines printed while waiting, control characters escaped.
        tail: String,
    },
    /// Input was sent to a console that QEMU has closed.
    #[error("serial {name:?} is closed: QEMU has ended")]
    WriteClosed {
        /// The console.
        name: String,
    },
    /// The guest does not read its console, and the input buffer is full.
    #[error("serial {name:?} takes no more input: the guest has left {queued} bytes unread")]
    WriteFull {
        /// The console.
        name: String,
        /// Bytes that wait.
        queued: usize,
    },
}

/// The package of Debian that has the emulator.
fn package(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "qemu-system-x86",
        Arch::Aarch64 => "qemu-system-arm",
        Arch::Ppc64 => "qemu-system-ppc",
        Arch::Riscv64 | Arch::S390x => "qemu-system-misc",
    }
}

/// The names that may have been meant.
fn nearest(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", names.join(", "))
    }
}

/// Foreign text inside of a message: indented, so that it cannot be mistaken for the message.
pub(crate) fn indented(text: &str) -> String {
    if text.trim().is_empty() {
        return "    (nothing)".to_owned();
    }
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| format!("    {line}"))
        .collect();
    lines.join("\n")
}
