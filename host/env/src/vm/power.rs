//! Reboot, shutdown, pause.

use std::time::{Duration, Instant};

use super::Vm;
use crate::error::monitor_kind;
use crate::{Error, ErrorKind, Result, Session};

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

impl Vm {
    /// Reboots, waits until the guest has gone down and come up, and logs in again.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it does not do so in time.
    pub async fn reboot(&self, method: RebootMethod, timeout: Duration) -> Result<Session> {
        let end = Instant::now() + timeout;
        let machine = self.machine()?;
        let since = machine.qmp().cursor();
        // A session that is closed takes the command with it that was typed there: it is kept until the guest goes down.
        let _session = match method {
            RebootMethod::Shell => {
                let session = self.any_session(timeout).await?;
                let command = self.login.reboot_command(&self.params);
                session.send_line(command).await?;
                Some(session)
            }
            RebootMethod::SystemReset => {
                let reset = machine.system_reset().await;
                reset.map_err(|error| self.failed("reset", error))?;
                None
            }
        };
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
        self.life().booted_at = printed;
        // A guest that was reset did not close its connections: without this, calls would wait for it.
        self.abandon_sessions();
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
                let command = self.login.shutdown_command(&self.params);
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

    /// Waits until the machine is off, whoever turns it off.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it is still there.
    pub async fn wait_for_shutdown(&self, timeout: Duration) -> Result<()> {
        let Some(machine) = self.alive() else {
            return Ok(());
        };
        match machine.wait_exit(timeout).await {
            Some(_) => Ok(()),
            None => {
                let text = format!("{} is still there after {timeout:?}", self.name);
                Err(Error::new(ErrorKind::TimedOut, text))
            }
        }
    }
}
