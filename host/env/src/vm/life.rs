//! Starting a machine, asking how it is, taking it away.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use vthost_qemu::{Machine, MachineState};

use super::{Life, ShutdownMethod, Vm};
use crate::{Error, ErrorKind, Result};

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

impl Vm {
    /// Starts the machine and lets it run, unless it is to stay paused.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is alive; what QEMU said if it does not start.
    pub async fn create(&self) -> Result<()> {
        if self.alive().is_some() {
            let text = format!("{} is alive already", self.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let hardware = &self.hardware;
        let started =
            Machine::start(hardware.spec.clone(), &hardware.binary, self.paths.clone()).await;
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

    /// Whether QEMU was killed by a signal, and could not put its images in order.
    pub(crate) fn was_killed(&self) -> bool {
        let exit = self.life().machine.as_ref().and_then(|last| last.exit());
        exit.is_some_and(|exit| exit.status.signal().is_some())
    }

    /// How its last process was killed, if that was not done by vthost: by somebody on this host, by the kernel for want of
    /// memory, or by a defect of QEMU.
    pub(crate) fn killed_by_others(&self) -> Option<String> {
        let last = self.life().machine.clone()?;
        let exit = last.exit().filter(|exit| !exit.by_us)?;
        exit.status.signal()?;
        let (name, pid, status) = (&self.name, last.pid(), exit.status);
        Some(format!(
            "QEMU of {name}, process {pid}, was killed ({status}), and not by vthost"
        ))
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
        if let Some(stuck) = machine.stuck() {
            let (name, pid) = (&self.name, machine.pid());
            let text = format!("QEMU of {name}, process {pid}, is {stuck}");
            return Err(Error::new(ErrorKind::Gone, text));
        }
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

    /// Checks that the guest's kernel has not crashed: by the crash device, and by what the consoles printed.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] with the line that says so.
    pub async fn verify_kernel_crash(&self) -> Result<()> {
        let machine = self.machine()?;
        let state = machine.state().await;
        if state.map_err(|error| self.failed("ask", error))? == MachineState::GuestPanicked {
            let text = format!(
                "the kernel of {} has crashed: its crash device says so",
                self.name
            );
            return Err(Error::new(ErrorKind::Gone, text));
        }
        machine.verify_kernel_crash().map_err(|error| {
            let text = format!("the kernel of {} has crashed", self.name);
            Error::caused(ErrorKind::Gone, text, error)
        })
    }

    /// Takes the machine away: by a shutdown of the guest first when `gracefully`, by force when that does not end it.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if processes were left behind, [`ErrorKind::TimedOut`] if QEMU cannot be ended.
    pub async fn destroy(&self, gracefully: bool) -> Result<()> {
        self.destroy_destination().await?;
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
}
