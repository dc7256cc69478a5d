//! The machine protocol: raw commands, answers and events.
//!
//! The commands of the `qapi` crate have names that are fixed when it is compiled, and its reader gives up at the first
//! event it does not know. A test host has to send what a test asks for, and to survive newer QEMUs, so the transport is
//! here; `qapi`'s typed commands can be sent over it by [`Qmp::execute_typed`].

mod connection;
mod error;
mod events;
mod record;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::binary::Version;
pub(crate) use connection::Connection;
pub use error::QmpError;
pub use events::{EVENTS_LOST, Event};
pub(crate) use record::Recorder;

/// How long [`Qmp::execute`] waits for an answer. QEMU answers almost everything at once; long operations are jobs.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection to the monitor. Clones share it; all methods can be called at the same time. When QEMU ends, every
/// pending and later call fails with [`QmpError::Closed`].
#[derive(Debug, Clone)]
pub struct Qmp(Arc<Connection>);

impl Qmp {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self(connection)
    }

    /// Sends a command and waits for its answer, at most [`DEFAULT_TIMEOUT`]. `arguments` is an object, or null for
    /// none.
    ///
    /// # Errors
    /// [`QmpError::Command`] with the error class if QEMU refuses; see the other variants for the transport.
    pub async fn execute(&self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        self.execute_within(command, arguments, DEFAULT_TIMEOUT)
            .await
    }

    /// The same, with another limit. After a timeout the command may still take effect.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub async fn execute_within(
        &self,
        command: &str,
        arguments: Value,
        limit: Duration,
    ) -> Result<Value, QmpError> {
        let answer = self.0.execute(command, arguments, None);
        within(limit, || format!("answer to {command}"), answer).await
    }

    /// Sends a command together with an open file, for `getfd` and `add-fd`. QEMU gets a descriptor of its own.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub async fn execute_with_fd(
        &self,
        command: &str,
        arguments: Value,
        file: OwnedFd,
    ) -> Result<Value, QmpError> {
        let answer = self.0.execute(command, arguments, Some(file));
        within(DEFAULT_TIMEOUT, || format!("answer to {command}"), answer).await
    }

    /// Sends a command of the `qapi` crate.
    ///
    /// # Errors
    /// As [`Qmp::execute`]; [`QmpError::Protocol`] if the answer does not have the promised type.
    pub async fn execute_typed<C: qapi::Command>(&self, command: &C) -> Result<C::Ok, QmpError> {
        let arguments = serde_json::to_value(command).map_err(|error| mismatch(C::NAME, &error))?;
        let answer = self.execute(C::NAME, arguments).await?;
        parse(C::NAME, answer)
    }

    /// Runs a command of the human monitor and returns what it printed. QEMU reports its failures as text, too.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub async fn human(&self, line: &str) -> Result<String, QmpError> {
        let answer = self
            .execute(
                "human-monitor-command",
                serde_json::json!({ "command-line": line }),
            )
            .await?;
        parse("human-monitor-command", answer)
    }

    /// A position in the stream of events: the number that the next event will get.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.0.events.next()
    }

    /// The events from a position on, oldest first. 0 is the beginning. At least the last 100,000 of them are kept, as
    /// long as they have less than 64 MiB; [`EVENTS_LOST`] stands for those that are asked for and not kept any more.
    #[must_use]
    pub fn events_since(&self, cursor: u64) -> Vec<Event> {
        self.0.events.since(cursor)
    }

    /// Waits for an event of this name, from a position on: take [`Qmp::cursor`] before what causes the event, and it
    /// cannot be missed.
    ///
    /// # Errors
    /// [`QmpError::Timeout`], or [`QmpError::Closed`] if QEMU ended without the event.
    pub async fn wait_event(
        &self,
        name: &str,
        since: u64,
        limit: Duration,
    ) -> Result<Event, QmpError> {
        self.wait_event_where(name, since, limit, |_| true).await
    }

    /// Waits for an event of this name that also satisfies a condition.
    ///
    /// # Errors
    /// As [`Qmp::wait_event`].
    pub async fn wait_event_where(
        &self,
        name: &str,
        since: u64,
        limit: Duration,
        mut condition: impl FnMut(&Event) -> bool,
    ) -> Result<Event, QmpError> {
        self.wait_map(&format!("event {name}"), since, limit, |event| {
            (event.name == name && condition(event)).then(|| event.clone())
        })
        .await
    }

    /// Waits for the first event, of whatever name, of which `look` makes something. `what` names it for the message.
    ///
    /// # Errors
    /// As [`Qmp::wait_event`].
    pub async fn wait_map<T>(
        &self,
        what: &str,
        since: u64,
        limit: Duration,
        look: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, QmpError> {
        within(limit, || what.to_owned(), self.0.events.find(since, look)).await
    }

    /// How many events of this name there were since QEMU started.
    #[must_use]
    pub fn event_count(&self, name: &str) -> u64 {
        self.0.events.count(name)
    }

    /// The version in QEMU's greeting.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// Waits until the monitor is closed and its last message is recorded.
    pub async fn closed(&self) {
        // Nothing matches, so the search ends with the events.
        let _ = self.0.events.find(u64::MAX, |_| None::<()>).await;
    }

    /// Whether the monitor is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

async fn within<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    answer: impl Future<Output = Result<T, QmpError>>,
) -> Result<T, QmpError> {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            Err(QmpError::Timeout {
                what: what(),
                within: limit,
            })
        })
}

/// Reads an answer as the type it should have.
pub(crate) fn parse<T: DeserializeOwned>(command: &str, answer: Value) -> Result<T, QmpError> {
    serde_json::from_value(answer).map_err(|error| mismatch(command, &error))
}

fn mismatch(command: &str, error: &serde_json::Error) -> QmpError {
    QmpError::Protocol {
        detail: format!("{command}: {error}"),
    }
}
