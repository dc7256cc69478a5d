//! How a machine ends.

use std::fs;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Machine, MachineState};
use crate::error::{MachineError, QmpError};
use crate::process::Exit;

/// How long [`Machine::destroy`] lets QEMU end by itself before it kills it.
const QUIT_GRACE: Duration = Duration::from_secs(2);

/// How long a killed process may take to disappear. Only one stuck in the kernel takes longer than milliseconds.
const KILL_GRACE: Duration = Duration::from_secs(10);

/// How long the logs may take to be complete once the process is gone. It takes microseconds, unless the tasks that
/// write them do not get to run.
const LOG_GRACE: Duration = Duration::from_secs(2);

/// What it took to end a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It had ended already.
    Before,
    /// The guest shut down.
    Guest,
    /// QEMU ended when it was asked to.
    Quit,
    /// It had to be killed.
    Killed,
}

impl Machine {
    /// Asks QEMU to end at once, and does not wait for it. The guest gets no chance to shut down.
    ///
    /// # Errors
    /// [`MachineError::Qmp`]; a QEMU that has ended already is a success.
    pub async fn quit(&self) -> Result<(), MachineError> {
        match self.qmp.execute("quit", Value::Null).await {
            Ok(_) | Err(QmpError::Closed) => Ok(()),
            Err(source) => Err(self.explain("quit", source).await),
        }
    }

    /// Waits until QEMU has ended and the logs are complete; `None` if it has not ended within `limit`.
    pub async fn wait_exit(&self, limit: Duration) -> Option<Exit> {
        tokio::time::timeout(limit, self.ended())
            .await
            .ok()
            .flatten()
    }

    /// How QEMU ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.process.exit()
    }

    /// Presses the power button and waits for the guest to shut down and QEMU to end. A paused machine is resumed first,
    /// since it could not react.
    ///
    /// # Errors
    /// [`MachineError::StillRunning`] if it still runs after `limit`, [`MachineError::Qmp`] if the button could not be
    /// pressed; [`Machine::destroy`] ends it then.
    pub async fn shutdown(&self, limit: Duration) -> Result<Exit, MachineError> {
        let shut_down = async {
            match self.press().await {
                // It ended before the button was pressed.
                Err(_) if self.qmp.is_closed() => {}
                pressed => pressed?,
            }
            Ok(self.ended().await)
        };
        match tokio::time::timeout(limit, shut_down).await {
            Ok(Ok(Some(exit))) => Ok(exit),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => Err(self.still_running("the power button was pressed", limit)),
        }
    }

    async fn press(&self) -> Result<(), MachineError> {
        if matches!(
            self.state().await?,
            MachineState::Paused | MachineState::Prelaunch
        ) {
            self.cont().await?;
        }
        self.system_powerdown().await
    }

    /// Ends QEMU, whatever it does: asks it to quit, and kills it after two seconds. Returns when the process is gone
    /// and the logs are complete. Can be called again; sockets are removed.
    ///
    /// # Errors
    /// [`MachineError::StillRunning`] if even a killed process does not disappear within ten seconds, because the kernel
    /// holds it (a disk that does not answer).
    pub async fn destroy(&self) -> Result<Exit, MachineError> {
        self.destroy_after(Duration::ZERO)
            .await
            .map(|(exit, _)| exit)
    }

    /// Ends QEMU like [`Machine::destroy`], but first presses the power button and gives the guest `grace` to shut
    /// down. Tells what it took.
    ///
    /// # Errors
    /// As [`Machine::destroy`].
    pub async fn destroy_after(&self, grace: Duration) -> Result<(Exit, Ending), MachineError> {
        let mut ended = match self.exit() {
            Some(_) => self.ended().await.map(|exit| (exit, Ending::Before)),
            None => None,
        };
        if ended.is_none() && !grace.is_zero() {
            // If it fails, harder means follow.
            let shut_down = self.shutdown(grace).await.ok();
            ended = shut_down.map(|exit| (exit, Ending::Guest));
        }
        if ended.is_none() {
            let asked = async {
                // If it fails, the process is killed below.
                let _ = self.quit().await;
                self.ended().await
            };
            let quit = tokio::time::timeout(QUIT_GRACE, asked).await.ok().flatten();
            ended = quit.map(|exit| (exit, Ending::Quit));
        }
        if ended.is_none() {
            tracing::debug!(machine = self.spec.name, "qemu does not quit, killing it");
            self.process.kill();
            let killed = self.wait_exit(KILL_GRACE).await;
            ended = killed.map(|exit| (exit, Ending::Killed));
        }
        self.remove_sockets();
        let (exit, how) = ended.ok_or_else(|| self.still_running("it was killed", KILL_GRACE))?;
        if !exit.leftovers.is_empty() {
            tracing::warn!(machine = self.spec.name, leftovers = ?exit.leftovers, "processes were left behind");
        }
        Ok((exit, how))
    }

    /// The end of the process, then of everything that is read from it.
    async fn ended(&self) -> Option<Exit> {
        let mut exit = self.process.wait().await?;
        exit.leftovers.extend(self.daemons.end().await);
        let logged = async {
            self.qmp.closed().await;
            for serial in self.serials.values() {
                serial.closed().await;
            }
        };
        if tokio::time::timeout(LOG_GRACE, logged).await.is_err() {
            tracing::warn!(machine = self.spec.name, "the end of a log is missing");
        }
        Some(exit)
    }

    /// QEMU removes its sockets itself, unless it is killed; that of an NBD server stays in any case.
    pub(super) fn remove_sockets(&self) {
        let name = &self.spec.name;
        let own = [
            self.paths.nbd_socket(name),
            self.paths.migration_socket(name),
        ];
        for socket in own.into_iter().chain(self.vnc_socket()) {
            let _ = fs::remove_file(socket);
        }
    }

    fn still_running(&self, after: &'static str, within: Duration) -> MachineError {
        MachineError::StillRunning {
            machine: self.spec.name.clone(),
            after,
            within,
        }
    }
}
