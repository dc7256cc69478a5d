//! Every way this crate can fail. A message is a lower-case fragment that carries its attributes; the cause, where
//! there is one, is in `source()` and is not repeated.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::binary::Version;

/// QEMU could not be found or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No binary of any known name is in `PATH`.
    #[error(
        "no QEMU found in PATH (looked for {}); install it with `apt-get install qemu-system-x86` or run `vthost bootstrap`",
        names.join(", ")
    )]
    NotFound {
        /// The names that were looked for, in order.
        names: Vec<&'static str>,
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
        source: SpecError,
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
}

/// A QMP command that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum QmpError {
    /// QEMU answered with an error.
    #[error("{command}: {desc} ({class})")]
    Command {
        /// The command.
        command: String,
        /// The QMP error class, such as `GenericError`, `CommandNotFound` or `DeviceNotFound`.
        class: String,
        /// QEMU's own words.
        desc: String,
    },
    /// The monitor is closed: QEMU has ended, or is about to.
    #[error("the monitor is closed: QEMU has ended")]
    Closed,
    /// No answer, or no event, in time.
    #[error("no {what} within {} s", within.as_secs_f32())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
    },
    /// What arrived is not QMP, or is not the answer that the command promises.
    #[error("unexpected answer from the monitor: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
}

impl QmpError {
    /// The QMP error class if QEMU itself refused the command.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Command { class, .. } => Some(class),
            _ => None,
        }
    }
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

/// An operation on a running machine that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MachineError {
    /// The monitor refused or did not answer.
    #[error("cannot {action} machine {machine:?}")]
    Qmp {
        /// The machine.
        machine: String,
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        source: QmpError,
    },
    /// The process did not end in time; it still runs.
    #[error("machine {machine:?} still runs {} s after {after}", within.as_secs_f32())]
    StillRunning {
        /// The machine.
        machine: String,
        /// What should have ended it.
        after: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A socket of the machine could not be used.
    #[error("cannot open the {channel} channel of machine {machine:?}")]
    Channel {
        /// The machine.
        machine: String,
        /// Which channel.
        channel: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A disk image operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// `qemu-img` is not installed.
    #[error(
        "no qemu-img found in PATH; install it with `apt-get install qemu-utils` or run `vthost bootstrap`"
    )]
    NoTool,
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what its format says.
    #[error("{} is not a valid {format} image: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// `qemu-img` failed.
    #[error("`qemu-img {command}` failed ({status}) for {}: {output}", path.display())]
    Tool {
        /// The subcommand.
        command: &'static str,
        /// The image.
        path: PathBuf,
        /// How the tool ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// `qemu-img` printed something other than JSON.
    #[error("`qemu-img {command}` printed no valid JSON for {}", path.display())]
    Output {
        /// The subcommand.
        command: &'static str,
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Foreign text inside of a message: indented, so that it cannot be mistaken for the message.
fn indented(text: &str) -> String {
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
