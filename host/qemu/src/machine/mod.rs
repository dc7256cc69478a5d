//! A running machine.

mod end;
mod screen;
mod start;
mod state;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::cmdline::CommandLine;
use crate::confine::Confinement;
use crate::error::{MachineError, QmpError};
use crate::files::Paths;
use crate::process::Process;
use crate::qmp::Qmp;
use crate::serial::SerialHandle;
use crate::spec::{Display, MachineSpec};
pub use state::MachineState;

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
    qmp: Qmp,
    serials: BTreeMap<String, SerialHandle>,
    agent: Option<StdUnixStream>,
    forwards: Vec<Forward>,
    startup: Duration,
    screendumps: AtomicU64,
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

    /// The VNC socket, if the specification asks for one.
    #[must_use]
    pub fn vnc_socket(&self) -> Option<PathBuf> {
        (self.spec.display == Display::VncUnix).then(|| self.paths.vnc_socket(&self.spec.name))
    }

    /// What the machine is doing.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if QEMU runs but does not answer.
    pub async fn state(&self) -> Result<MachineState, MachineError> {
        if let Some(exit) = self.process.exit() {
            return Ok(MachineState::Exited(exit.status));
        }
        match self.qmp.execute("query-status", Value::Null).await {
            Ok(status) => Ok(MachineState::from_qmp(&status)),
            Err(QmpError::Closed) => match self.process.wait_within(LAST_WORDS).await {
                Some(exit) => Ok(MachineState::Exited(exit.status)),
                None => Err(self.failed("query", QmpError::Closed)),
            },
            Err(source) => Err(self.failed("query", source)),
        }
    }

    /// Starts the processors, or lets them go on.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn cont(&self) -> Result<(), MachineError> {
        self.simple("cont", "resume").await
    }

    /// Stops the processors.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn stop(&self) -> Result<(), MachineError> {
        self.simple("stop", "pause").await
    }

    /// Presses the power button; the guest decides what to do.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn system_powerdown(&self) -> Result<(), MachineError> {
        self.simple("system_powerdown", "power down").await
    }

    /// Presses the reset button.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn system_reset(&self) -> Result<(), MachineError> {
        self.simple("system_reset", "reset").await
    }

    async fn simple(&self, command: &str, action: &'static str) -> Result<(), MachineError> {
        let done = self.qmp.execute(command, Value::Null).await;
        done.map(drop).map_err(|source| self.failed(action, source))
    }

    fn failed(&self, action: &'static str, source: QmpError) -> MachineError {
        MachineError::Qmp {
            machine: self.spec.name.clone(),
            action,
            source,
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.process.kill();
        self.remove_sockets();
    }
}
