//! A running machine.

mod channels;
mod crash;
mod dump;
mod end;
mod error;
mod forwards;
mod keys;
mod live;
mod pointer;
mod power;
mod screen;
mod start;
mod state;
mod trouble;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::net::UnixStream;

use crate::cmdline::CommandLine;
use crate::confine::Confinement;
use crate::daemon::Daemons;
use crate::files::Paths;
use crate::plug::Plugs;
use crate::process::Process;
use crate::qmp::Qmp;
use crate::serial::SerialHandle;
use crate::spec::{Display, MachineSpec};
pub use crash::KernelCrash;
pub use dump::DumpFormat;
pub use end::Ending;
pub use error::MachineError;
pub(crate) use forwards::read_forwards;
pub use keys::{HOLD, Keys};
pub(crate) use live::Live;
pub use pointer::{POINTER_MAX, Pointer, PointerButton, PointerMove};
pub use power::GuestPanic;
pub use screen::{PictureFormat, ScreenSize};
pub(crate) use start::tail;
pub use state::MachineState;
pub use trouble::Stuck;

/// How long QEMU may take to end after it has closed its monitor.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A machine: a QEMU process with its monitor and consoles. All methods take `&self` and can be called at the same time.
/// Dropping it kills QEMU and removes its sockets; use [`Machine::destroy`] to know how it ended.
#[derive(Debug)]
pub struct Machine {
    spec: MachineSpec,
    paths: Paths,
    command_line: CommandLine,
    confinement: Confinement,
    process: Process,
    daemons: Daemons,
    qmp: Qmp,
    serials: BTreeMap<String, SerialHandle>,
    agent: Option<StdUnixStream>,
    forwards: Vec<Forward>,
    startup: Duration,
    live: Live,
}

/// A port of the host's 127.0.0.1 that leads into the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// The network interface.
    pub nic: String,
    /// Port on the host.
    pub host: u16,
    /// Port in the guest.
    pub guest: u16,
}

impl Machine {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it was made from.
    #[must_use]
    pub fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// The command line it was started with.
    #[must_use]
    pub fn command_line(&self) -> &CommandLine {
        &self.command_line
    }

    /// Its directories.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// How QEMU is confined.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// Process id of QEMU, which is also the id of its process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How long it took from [`Machine::start`] until the monitor was ready.
    #[must_use]
    pub fn startup(&self) -> Duration {
        self.startup
    }

    /// The monitor.
    #[must_use]
    pub fn qmp(&self) -> &Qmp {
        &self.qmp
    }

    /// The console of this name in the specification.
    #[must_use]
    pub fn serial(&self, name: &str) -> Option<&SerialHandle> {
        self.serials.get(name)
    }

    /// A stream to the guest agent's port, if the machine has one. All streams taken lead to the same port: one user at
    /// a time, who begins with the agent's `guest-sync-delimited` because its predecessor may have left answers unread.
    ///
    /// # Errors
    /// [`MachineError::Channel`] if no more descriptors can be had.
    pub fn agent(&self) -> Result<Option<UnixStream>, MachineError> {
        let Some(agent) = &self.agent else {
            return Ok(None);
        };
        let stream = agent.try_clone().and_then(UnixStream::from_std);
        stream.map(Some).map_err(|source| MachineError::Channel {
            machine: self.spec.name.clone(),
            channel: "guest agent",
            source,
        })
    }

    /// All forwarded ports.
    #[must_use]
    pub fn forwards(&self) -> &[Forward] {
        &self.forwards
    }

    /// The port of the host's 127.0.0.1 that leads to this port of the guest.
    #[must_use]
    pub fn host_port(&self, guest: u16) -> Option<u16> {
        self.forwards
            .iter()
            .find(|forward| forward.guest == guest)
            .map(|forward| forward.host)
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Takes over what its predecessor had plugged in.
    pub(crate) fn take_plugs(&mut self, plugs: Plugs) {
        self.live.plugs = plugs;
    }

    /// The VNC socket, if the specification asks for one.
    #[must_use]
    pub fn vnc_socket(&self) -> Option<PathBuf> {
        (self.spec.display == Display::VncUnix).then(|| self.paths.vnc_socket(&self.spec.name))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.process.kill();
        self.remove_sockets();
    }
}
