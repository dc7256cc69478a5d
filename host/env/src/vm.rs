//! A virtual machine as a test sees it.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use vthost_params::Params;
use vthost_qemu::serial::Replay;
use vthost_qemu::{Binary, Machine, MachineError, MachineSpec, MachineState, Paths, SerialStream};

use crate::error::{machine_kind, monitor_kind};
use crate::login::{LoginParams, first_console};
use crate::session::WeakSession;
use crate::{Error, ErrorKind, MonitorError, Result, Session};

/// A graceful end takes at most this long, whatever `kill_timeout` says: no deadline of a test ends it.
const MAX_KILL_TIMEOUT: Duration = Duration::from_secs(600);

/// What a machine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VmState {
    /// Its processors run.
    Running,
    /// Its processors are stopped.
    Paused,
    /// The guest has shut down or crashed, and QEMU is still there.
    Stopped,
    /// There is no QEMU process.
    Off,
    /// Anything else, in QEMU's word.
    Other(String),
}

/// How to reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebootMethod {
    /// By the guest's own command.
    Shell,
    /// By the reset button.
    SystemReset,
}

/// How to shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMethod {
    /// By the guest's own command.
    Shell,
    /// By the power button.
    SystemPowerdown,
}

/// What changes in the life of a machine.
#[derive(Debug, Default)]
struct Life {
    machine: Option<Arc<Machine>>,
    /// Sessions that may still be open: the guest's own commands go through one of them.
    sessions: Vec<WeakSession>,
    /// The next event that `events` gives.
    events_from: u64,
    /// The next event of each name that `wait_event` gives.
    events_of: HashMap<String, u64>,
    /// Where the console stood when the guest began to reboot.
    booted_at: Option<u64>,
}

/// A virtual machine, alive or not.
#[derive(Debug)]
pub struct Vm {
    name: String,
    params: Params,
    login: LoginParams,
    spec: MachineSpec,
    binary: Binary,
    paths: Paths,
    life: Mutex<Life>,
    /// How many files of each kind were made.
    files: Mutex<BTreeMap<&'static str, usize>>,
}

impl Vm {
    pub(crate) fn new(
        name: &str,
        params: Params,
        spec: MachineSpec,
        binary: Binary,
        paths: Paths,
    ) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            login: LoginParams::new(&params)?,
            params,
            spec,
            binary,
            paths,
            life: Mutex::default(),
            files: Mutex::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters, as it sees them.
    pub fn params(&self) -> &Params {
        &self.params
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine, if its process is there.
    pub(crate) fn alive(&self) -> Option<Arc<Machine>> {
        self.life()
            .machine
            .clone()
            .filter(|machine| machine.exit().is_none())
    }

    fn machine(&self) -> Result<Arc<Machine>> {
        self.alive()
            .ok_or_else(|| Error::new(ErrorKind::Gone, format!("{} is off", self.name)))
    }

    fn failed(&self, action: &str, error: MachineError) -> Error {
        Error::caused(
            machine_kind(&error),
            format!("cannot {action} {}", self.name),
            error,
        )
    }

    /// The next file of its kind in the results: `<stem>-<vm>-<n>.<ending>`.
    fn next_file(&self, stem: &'static str, ending: &str) -> (String, PathBuf) {
        let number = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let count = files.entry(stem).or_default();
            *count += 1;
            *count
        };
        let file = format!("{stem}-{}-{number}.{ending}", self.name);
        let path = self.paths.log_dir().join(&file);
        (file, path)
    }

    /// Starts the machine and lets it run, unless it is to stay paused.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is alive; what QEMU said if it does not start.
    pub async fn create(&self) -> Result<()> {
        if self.alive().is_some() {
            let text = format!("{} is alive already", self.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let started = Machine::start(self.spec.clone(), &self.binary, self.paths.clone()).await;
        let machine = Arc::new(started.map_err(|error| {
            Error::caused(
                ErrorKind::Other,
                format!("cannot start {}", self.name),
                error,
            )
        })?);
        *self.life() = Life {
            machine: Some(Arc::clone(&machine)),
            ..Life::default()
        };
        if !self.params.flag("paused_after_start_vm", false)? {
            let running = machine.cont().await;
            running.map_err(|error| self.failed("run", error))?;
        }
        Ok(())
    }

    /// What it is doing.
    ///
    /// # Errors
    /// [`Error`] if QEMU is there and does not answer.
    pub async fn state(&self) -> Result<VmState> {
        let Some(machine) = self.alive() else {
            return Ok(VmState::Off);
        };
        let state = machine.state().await;
        Ok(match state.map_err(|error| self.failed("ask", error))? {
            MachineState::Running => VmState::Running,
            MachineState::Paused | MachineState::Prelaunch | MachineState::Suspended => {
                VmState::Paused
            }
            MachineState::Shutdown
            | MachineState::GuestPanicked
            | MachineState::IoError
            | MachineState::InternalError => VmState::Stopped,
            MachineState::Exited(_) => VmState::Off,
            MachineState::Migrating => VmState::Other("migrating".to_owned()),
            MachineState::Other(word) => VmState::Other(word),
            state => VmState::Other(format!("{state:?}")),
        })
    }

    /// Checks that QEMU is there, answers, and that its guest has not crashed.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if it is not.
    pub async fn verify_alive(&self) -> Result<()> {
        let machine = self.machine()?;
        let state = machine.state().await;
        match state.map_err(|error| self.failed("ask", error))? {
            MachineState::GuestPanicked => {
                let text = format!("the guest of {} has crashed", self.name);
                Err(Error::new(ErrorKind::Gone, text))
            }
            MachineState::InternalError => {
                let text = format!("{} has stopped with an internal error of QEMU", self.name);
                Err(Error::new(ErrorKind::Gone, text))
            }
            MachineState::Exited(status) => {
                let text = format!("{} has ended ({status})", self.name);
                Err(Error::new(ErrorKind::Gone, text))
            }
            _ => Ok(()),
        }
    }

    fn keep(&self, session: Session) -> Session {
        let mut life = self.life();
        life.sessions.retain(|open| open.upgrade().is_some());
        life.sessions.push(session.downgrade());
        session
    }

    /// A listener on the console from where the guest last began to boot.
    fn console_of_this_boot(&self, machine: &Machine) -> Option<SerialStream> {
        match self.life().booted_at {
            None => first_console(machine, Replay::All),
            Some(at) => {
                let first = machine.spec().serials.first()?;
                Some(machine.serial(&first.name)?.subscribe_from(at))
            }
        }
    }

    /// Logs in over the network, waiting until the guest is ready.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] says how far the login came; [`ErrorKind::Gone`] if the machine ends meanwhile.
    pub async fn wait_for_login(&self, timeout: Duration) -> Result<Session> {
        let machine = self.machine()?;
        let console = self.console_of_this_boot(&machine);
        let (_, log) = self.next_file("session", "log");
        let session = self.login.ssh(&machine, console, timeout, &log).await?;
        Ok(self.keep(session))
    }

    /// Logs in on the first serial console, waiting until the guest is ready.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] with the last text on the console; [`ErrorKind::NotFound`] without a console.
    pub async fn wait_for_serial_login(&self, timeout: Duration) -> Result<Session> {
        let machine = self.machine()?;
        let (_, log) = self.next_file("serial-session", "log");
        self.login.serial(&machine, timeout, &log).await
    }

    /// A session for the guest's own commands: one that is open and idle, or a new one.
    async fn any_session(&self, timeout: Duration) -> Result<Session> {
        let open: Vec<Session> = {
            let life = self.life();
            life.sessions
                .iter()
                .filter_map(WeakSession::upgrade)
                .collect()
        };
        match open.into_iter().find(Session::is_idle_ssh) {
            Some(session) => Ok(session),
            None => self.wait_for_login(timeout).await,
        }
    }

    /// Reboots, waits until the guest has gone down and come up, and logs in again.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it does not do so in time.
    pub async fn reboot(&self, method: RebootMethod, timeout: Duration) -> Result<Session> {
        let end = Instant::now() + timeout;
        let machine = self.machine()?;
        let since = machine.qmp().cursor();
        match method {
            RebootMethod::Shell => {
                let session = self.any_session(timeout).await?;
                let command = self.params.get_or("reboot_command", "shutdown -r now");
                session.send_line(command).await?;
            }
            RebootMethod::SystemReset => {
                let reset = machine.system_reset().await;
                reset.map_err(|error| self.failed("reset", error))?;
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        let reset = machine.qmp().wait_event("RESET", since, left).await;
        reset.map_err(|error| {
            let text = format!("{} did not go down to reboot", self.name);
            Error::caused(monitor_kind(&error), text, error)
        })?;
        let printed = machine
            .spec()
            .serials
            .first()
            .and_then(|first| machine.serial(&first.name))
            .map(vthost_qemu::SerialHandle::printed);
        let sessions = {
            let mut life = self.life();
            life.booted_at = printed;
            std::mem::take(&mut life.sessions)
        };
        // A guest that was reset did not close its connections: without this, calls would wait for it.
        for session in sessions.iter().filter_map(WeakSession::upgrade) {
            session.abandon();
        }
        self.wait_for_login(end.saturating_duration_since(Instant::now()))
            .await
    }

    /// Shuts the guest down and waits until QEMU has ended.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it does not end in time.
    pub async fn shutdown(&self, method: ShutdownMethod, timeout: Duration) -> Result<()> {
        let end = Instant::now() + timeout;
        let Some(machine) = self.alive() else {
            return Ok(());
        };
        match method {
            ShutdownMethod::Shell => {
                let session = self.any_session(timeout).await?;
                let command = self.params.get_or("shutdown_command", "shutdown -h now");
                session.send_line(command).await?;
                let left = end.saturating_duration_since(Instant::now());
                if machine.wait_exit(left).await.is_none() {
                    let text = format!("{} still runs {timeout:?} after `{command}`", self.name);
                    return Err(Error::new(ErrorKind::TimedOut, text));
                }
            }
            ShutdownMethod::SystemPowerdown => {
                let down = machine.shutdown(timeout).await;
                down.map_err(|error| self.failed("shut down", error))?;
            }
        }
        Ok(())
    }

    /// Stops the processors.
    ///
    /// # Errors
    /// [`Error`] if QEMU refuses.
    pub async fn pause(&self) -> Result<()> {
        let paused = self.machine()?.stop().await;
        paused.map_err(|error| self.failed("pause", error))
    }

    /// Lets the processors go on.
    ///
    /// # Errors
    /// [`Error`] if QEMU refuses.
    pub async fn resume(&self) -> Result<()> {
        let resumed = self.machine()?.cont().await;
        resumed.map_err(|error| self.failed("resume", error))
    }

    /// Takes the machine away: by a shutdown of the guest first when `gracefully`, by force when that does not end it.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if processes were left behind, [`ErrorKind::TimedOut`] if QEMU cannot be ended.
    pub async fn destroy(&self, gracefully: bool) -> Result<()> {
        let Some(machine) = self.life().machine.clone() else {
            return Ok(());
        };
        if gracefully && machine.exit().is_none() {
            let time = self
                .params
                .seconds("kill_timeout", Duration::from_secs(60))?
                .min(MAX_KILL_TIMEOUT);
            // What does not end by itself is ended below.
            if let Err(error) = self.shutdown(ShutdownMethod::SystemPowerdown, time).await {
                tracing::debug!(vm = self.name, %error, "the guest does not shut down");
            }
        }
        let ended = machine.destroy().await;
        let exit = ended.map_err(|error| self.failed("end", error))?;
        if exit.leftovers.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{} left processes behind: {}",
            self.name,
            exit.leftovers.join(", ")
        );
        Err(Error::new(ErrorKind::Other, text))
    }

    /// Where the guest's TCP port is reached from the host.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the port is not forwarded.
    pub fn address(&self, port: u16) -> Result<SocketAddr> {
        let found = self.machine()?.host_port(port);
        found
            .map(|host| SocketAddr::from((Ipv4Addr::LOCALHOST, host)))
            .ok_or_else(|| {
                let text = format!(
                    "port {port} of {} is not forwarded; only port {} is",
                    self.name,
                    self.login.port()
                );
                Error::new(ErrorKind::NotFound, text)
            })
    }

    /// Runs a monitor command. What may be run is decided elsewhere.
    ///
    /// # Errors
    /// [`MonitorError::Refused`] if QEMU refuses it.
    pub async fn qmp(
        &self,
        command: &str,
        arguments: Map<String, Value>,
    ) -> Result<Value, MonitorError> {
        let machine = self.machine()?;
        let arguments = Value::Object(arguments);
        Ok(machine.qmp().execute(command, arguments).await?)
    }

    /// Waits for an event of that name and gives its data; each event is given once.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it does not come in time; [`ErrorKind::Gone`] if QEMU ends without it.
    pub async fn wait_event(&self, name: &str, timeout: Duration) -> Result<Value> {
        // The machine may have ended with the event: it is asked for even then.
        let machine = self.life().machine.clone();
        let machine = match machine {
            Some(machine) => machine,
            None => self.machine()?,
        };
        let since = self.life().events_of.get(name).copied().unwrap_or(0);
        let event = machine.qmp().wait_event(name, since, timeout).await;
        let event = event.map_err(|error| {
            let text = format!("{} did not report {name}", self.name);
            Error::caused(monitor_kind(&error), text, error)
        })?;
        self.life().events_of.insert(name.to_owned(), event.seq + 1);
        Ok(event.data)
    }

    /// The events since the last call, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the machine was never started.
    pub fn events(&self, limit: usize) -> Result<Vec<(String, Value)>> {
        let mut life = self.life();
        let Some(machine) = life.machine.clone() else {
            drop(life);
            return Err(Error::new(ErrorKind::Gone, format!("{} is off", self.name)));
        };
        let mut events = machine.qmp().events_since(life.events_from);
        events.truncate(limit);
        if let Some(last) = events.last() {
            life.events_from = last.seq + 1;
        }
        Ok(events
            .into_iter()
            .map(|event| (event.name, event.data))
            .collect())
    }

    /// Saves what the screen shows as a PNG in the results and gives the file's name there.
    ///
    /// # Errors
    /// [`Error`] if the machine has no screen.
    pub async fn screendump(&self) -> Result<String> {
        let machine = self.machine()?;
        let (file, path) = self.next_file("screendump", "png");
        let dumped = machine.screendump_png(&path).await;
        dumped.map_err(|error| self.failed("look at the screen of", error))?;
        Ok(file)
    }
}
