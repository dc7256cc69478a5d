//! Shutdown and suspend. A guest that goes down does not say so: silence is success.

use std::time::Duration;

use qapi::qga::GuestShutdownMode;
use qapi::qga::{guest_shutdown, guest_suspend_disk, guest_suspend_hybrid, guest_suspend_ram};

use super::{Agent, AgentResult};

/// An agent that refuses does so at once; after so much silence the guest is taken to go down.
const SILENCE: Duration = Duration::from_secs(3);

/// How a guest goes down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shutdown {
    /// The machine is switched off.
    #[default]
    Powerdown,
    /// The system stops and the machine stays on.
    Halt,
    /// The machine starts again.
    Reboot,
}

/// Where a suspended guest keeps its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspend {
    /// On disk.
    Disk,
    /// In memory.
    Ram,
    /// In both.
    Hybrid,
}

impl Agent {
    /// Makes the guest go down. That it does shows elsewhere: the machine ends, or its console goes through a reboot.
    ///
    /// # Errors
    /// [`AgentError::Refused`](super::AgentError::Refused) when the agent says no; see also
    /// [`AgentError`](super::AgentError).
    pub async fn shutdown(&self, mode: Shutdown) -> AgentResult<()> {
        let mode = Some(match mode {
            Shutdown::Powerdown => GuestShutdownMode::Powerdown,
            Shutdown::Halt => GuestShutdownMode::Halt,
            Shutdown::Reboot => GuestShutdownMode::Reboot,
        });
        let command = Some(guest_shutdown { mode });
        self.ask_in_silence("guest-shutdown", command, SILENCE)
            .await
    }

    /// Suspends the guest. That it is asleep shows by an event of its machine.
    ///
    /// # Errors
    /// [`AgentError::Refused`](super::AgentError::Refused) when the guest cannot; see also
    /// [`AgentError`](super::AgentError).
    pub async fn suspend(&self, to: Suspend) -> AgentResult<()> {
        match to {
            Suspend::Disk => {
                let command = Some(guest_suspend_disk {});
                self.ask_in_silence("guest-suspend-disk", command, SILENCE)
                    .await
            }
            Suspend::Ram => {
                let command = Some(guest_suspend_ram {});
                self.ask_in_silence("guest-suspend-ram", command, SILENCE)
                    .await
            }
            Suspend::Hybrid => {
                let command = Some(guest_suspend_hybrid {});
                self.ask_in_silence("guest-suspend-hybrid", command, SILENCE)
                    .await
            }
        }
    }
}
