//! The balloon: memory that the guest lends back.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::{MachineError, QmpError};
use crate::machine::Machine;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// The event comes at most once in a second, and the last one may be left out, so it is asked again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(1200);

#[derive(Deserialize)]
struct Balloon {
    actual: u64,
}

impl Machine {
    /// How much memory the guest has without what is in the balloon, in MiB.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] of class `DeviceNotActive` if the machine has no balloon.
    pub async fn balloon_size(&self) -> Result<u64, MachineError> {
        let action = "ask for the balloon of";
        let balloon: Balloon = self.query(action, "query-balloon", Value::Null).await?;
        Ok(balloon.actual / MIB)
    }

    /// Asks the guest to make do with so many MiB, and waits until it does.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] without a balloon, or with a timeout that tells how far it came; [`MachineError::Ended`] at
    /// once if QEMU ends.
    pub async fn balloon(&self, mib: u64, limit: Duration) -> Result<(), MachineError> {
        let arguments = json!({ "value": mib.saturating_mul(MIB) });
        self.command("set the balloon of", "balloon", arguments)
            .await?;
        let deadline = Instant::now() + limit;
        loop {
            let seen = self.qmp().cursor();
            let actual = self.balloon_size().await?;
            if actual == mib {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let source = QmpError::Timeout {
                    what: format!("balloon with {mib} MiB left to the guest (it has {actual})"),
                    within: limit,
                };
                return Err(self.explain("set the balloon of", source).await);
            }
            // Its end is seen by the next look.
            let _ = self
                .qmp()
                .wait_event("BALLOON_CHANGE", seen, left.min(LOOK_AGAIN))
                .await;
        }
    }
}
