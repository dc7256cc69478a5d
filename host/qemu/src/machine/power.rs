//! Power, pause, reset, and waiting for what they lead to.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Machine, MachineState};
use crate::error::MachineError;
use crate::qmp::Event;
use crate::spec::WatchdogAction;

/// Not every change of the state comes with an event (the states around a migration do not), so the state is asked for
/// again after this time without one.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A panic that the guest reported through its pvpanic device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuestPanic {
    /// What QEMU did about it: `pause`, `poweroff` or `run`.
    pub action: String,
    /// What the guest told about the crash, if its device can tell (Hyper-V and s390; pvpanic cannot): the
    /// `GuestPanicInformation` of QEMU.
    pub info: Option<Value>,
    /// Whether the guest has loaded a crash kernel and handles the panic itself (`GUEST_CRASHLOADED`).
    pub crash_kernel: bool,
    /// When it happened, by the host's clock: microseconds since 1970.
    pub at_micros: u64,
}

impl GuestPanic {
    fn of(event: &Event) -> Option<Self> {
        let crash_kernel = match event.name.as_str() {
            "GUEST_PANICKED" => false,
            "GUEST_CRASHLOADED" => true,
            _ => return None,
        };
        let action = event.data.get("action").and_then(Value::as_str);
        Some(Self {
            action: action.unwrap_or_default().to_owned(),
            info: event.data.get("info").cloned(),
            crash_kernel,
            at_micros: event.at_micros,
        })
    }
}

impl Machine {
    /// What the machine is doing.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] or [`MachineError::Stuck`] if QEMU runs but does not answer.
    pub async fn state(&self) -> Result<MachineState, MachineError> {
        if let Some(exit) = self.process.exit() {
            return Ok(MachineState::Exited(exit.status));
        }
        match self.command("query", "query-status", Value::Null).await {
            Ok(status) => Ok(MachineState::from_qmp(&status)),
            Err(MachineError::Ended { status, .. }) => Ok(MachineState::Exited(status)),
            Err(error) => Err(error),
        }
    }

    /// Waits until the machine is in a state for which `wanted` is true, and returns it. `description` names it for the
    /// message.
    ///
    /// # Errors
    /// [`MachineError::State`] if it is in another one after `limit`; [`MachineError::Ended`] at once if QEMU ends and
    /// that is not what is wanted.
    pub async fn wait_for_state(
        &self,
        description: &str,
        limit: Duration,
        wanted: impl Fn(&MachineState) -> bool,
    ) -> Result<MachineState, MachineError> {
        let deadline = Instant::now() + limit;
        loop {
            let seen = self.qmp.cursor();
            let found = self.state().await?;
            if wanted(&found) {
                return Ok(found);
            }
            if matches!(found, MachineState::Exited(_)) {
                let closed = crate::error::QmpError::Closed;
                return Err(self.explain("await a state of", closed).await);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(MachineError::State {
                    machine: self.spec.name.clone(),
                    wanted: description.to_owned(),
                    found,
                    within: limit,
                });
            }
            // Its end, by a time limit or because QEMU has ended, is seen by the next look.
            let _ = self
                .qmp
                .wait_map("event", seen, left.min(LOOK_AGAIN), |_| Some(()))
                .await;
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

    /// How often the processors have been stopped since QEMU started, by whomever.
    #[must_use]
    pub fn pauses(&self) -> u64 {
        self.qmp.event_count("STOP")
    }

    /// How often the processors have been started or let go on.
    #[must_use]
    pub fn resumes(&self) -> u64 {
        self.qmp.event_count("RESUME")
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

    /// Wakes a guest that sleeps ([`MachineState::Suspended`]).
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if it does not sleep, or cannot be woken.
    pub async fn system_wakeup(&self) -> Result<(), MachineError> {
        self.simple("system_wakeup", "wake").await
    }

    /// Sends a non-maskable interrupt to the default processor (on x86: to all).
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn inject_nmi(&self) -> Result<(), MachineError> {
        self.simple("inject-nmi", "send an NMI to").await
    }

    /// Plugs in, or pulls out, the cable of a network interface or of its backend (`netdev_<nic>`).
    ///
    /// # Errors
    /// [`MachineError::Qmp`] of class `DeviceNotFound` if there is no such interface.
    pub async fn set_link(&self, nic: &str, up: bool) -> Result<(), MachineError> {
        let action = format!("set the link of {nic} of");
        let arguments = json!({ "name": nic, "up": up });
        self.command(action, "set_link", arguments).await.map(drop)
    }

    /// Decides what the watchdog does from now on.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn set_watchdog_action(&self, action: WatchdogAction) -> Result<(), MachineError> {
        let arguments = json!({ "watchdog": action });
        self.command("set the watchdog of", "set-action", arguments)
            .await
            .map(drop)
    }

    /// Waits until the watchdog fires, from a position of [`crate::Qmp::cursor`] on, and tells what it did.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] with a timeout if it does not; [`MachineError::Ended`] at once if QEMU ends.
    pub async fn wait_watchdog(&self, since: u64, limit: Duration) -> Result<String, MachineError> {
        match self.qmp.wait_event("WATCHDOG", since, limit).await {
            Ok(event) => Ok(event.data["action"].as_str().unwrap_or_default().to_owned()),
            Err(source) => Err(self.explain("await the watchdog of", source).await),
        }
    }

    /// The panics that the guest has reported so far, from a position of [`crate::Qmp::cursor`] on.
    #[must_use]
    pub fn guest_panics(&self, since: u64) -> Vec<GuestPanic> {
        let events = self.qmp.events_since(since);
        events.iter().filter_map(GuestPanic::of).collect()
    }

    /// Waits until the guest reports a panic, from a position of [`crate::Qmp::cursor`] on.
    ///
    /// # Errors
    /// As [`Machine::wait_watchdog`].
    pub async fn wait_guest_panic(
        &self,
        since: u64,
        limit: Duration,
    ) -> Result<GuestPanic, MachineError> {
        let found = self
            .qmp
            .wait_map("panic of the guest", since, limit, GuestPanic::of)
            .await;
        match found {
            Ok(panic) => Ok(panic),
            Err(source) => Err(self.explain("await a panic of", source).await),
        }
    }

    async fn simple(&self, command: &str, action: &'static str) -> Result<(), MachineError> {
        self.command(action, command, Value::Null).await.map(drop)
    }
}
