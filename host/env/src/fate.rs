//! What makes it vain to wait for a guest: the end of its QEMU, or the crash of its kernel.

use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::select_all;
use vthost_qemu::{Machine, SerialStream};

/// How long QEMU may take to end after whoever spoke with the guest has lost it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The last line of a Linux kernel.
const PANIC: &[u8] = b"Kernel panic - not syncing";

/// What may become of a guest, from a moment on.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    machine: Weak<Machine>,
    /// Where the events of the machine stood.
    events: u64,
    /// Where its consoles stood.
    printed: Vec<(String, u64)>,
}

impl Fate {
    /// From now on.
    pub(crate) fn of(machine: &Arc<Machine>) -> Self {
        let serials = machine.spec().serials.iter();
        let printed = serials.filter_map(|serial| {
            let printed = machine.serial(&serial.name)?.printed();
            Some((serial.name.clone(), printed))
        });
        Self {
            machine: Arc::downgrade(machine),
            events: machine.qmp().cursor(),
            printed: printed.collect(),
        }
    }

    /// Does something with a guest. Gives up when its kernel has crashed, or its QEMU has not ended well, and says so.
    /// A QEMU that ends well may have gone to another process.
    pub(crate) async fn or_until<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            why = self.strikes() => Err(why),
        }
    }

    /// How QEMU has ended, for the message of whoever has lost its guest; `None` if it goes on.
    pub(crate) async fn told(&self) -> Option<String> {
        let machine = self.machine.upgrade()?;
        let exit = machine.wait_exit(LAST_WORDS).await?;
        Some(format!(
            "QEMU of {} has ended ({})",
            machine.name(),
            exit.status
        ))
    }

    async fn strikes(&self) -> String {
        let Some(machine) = self.machine.upgrade() else {
            return pending().await;
        };
        tokio::select! {
            why = ended_badly(&machine) => why,
            () = self.panicked(&machine) => {
                format!("the guest in {} has crashed (kernel panic)", machine.name())
            }
        }
    }

    async fn panicked(&self, machine: &Machine) {
        // A monitor or a console that is closed says nothing any more: the others may, or the end of the process.
        let event = async {
            let qmp = machine.qmp();
            let seen = qmp.wait_event("GUEST_PANICKED", self.events, Duration::MAX);
            if seen.await.is_err() {
                pending::<()>().await;
            }
        };
        let lines = self.printed.iter().filter_map(|(name, printed)| {
            let stream = machine.serial(name)?.subscribe_from(*printed);
            Some(Box::pin(prints_panic(stream)))
        });
        let lines: Vec<_> = lines.collect();
        let line = async {
            match lines.is_empty() {
                true => pending().await,
                false => select_all(lines).await.0,
            }
        };
        tokio::select! {
            () = event => {}
            () = line => {}
        }
    }
}

/// Waits for the last line of a kernel, for ever if the console is closed without it.
async fn prints_panic(mut stream: SerialStream) {
    let mut seen = Vec::new();
    while let Some(bytes) = stream.next().await {
        seen.extend(bytes);
        if seen.windows(PANIC.len()).any(|window| window == PANIC) {
            return;
        }
        seen.drain(..seen.len().saturating_sub(PANIC.len()));
    }
    pending::<()>().await;
}

async fn ended_badly(machine: &Machine) -> String {
    match machine.wait_exit(Duration::MAX).await {
        Some(exit) if !exit.status.success() => {
            format!("QEMU of {} has ended ({})", machine.name(), exit.status)
        }
        _ => pending().await,
    }
}
