//! The machine protocol: raw commands, answers and events.
//!
//! The commands of the `qapi` crate have names that are fixed when it is compiled, and its reader gives up at the first
//! event it does not know. A test host has to send what a test asks for, and to survive newer QEMUs, so the transport is
//! here; `qapi`'s typed commands can be sent over it by [`Qmp::execute_typed`].

mod connection;
mod events;
mod record;

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::binary::Version;
use crate::error::QmpError;
pub(crate) use connection::Connection;
pub use events::Event;
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
        let answer = self.0.execute(command, arguments);
        tokio::time::timeout(limit, answer)
            .await
            .unwrap_or_else(|_| {
                Err(QmpError::Timeout {
                    what: format!("answer to {command}"),
                    within: limit,
                })
            })
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

    /// The events from a position on, oldest first. 0 is the beginning.
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
        let found = self
            .0
            .events
            .find(since, |event| event.name == name && condition(event));
        tokio::time::timeout(limit, found)
            .await
            .unwrap_or_else(|_| {
                Err(QmpError::Timeout {
                    what: format!("event {name}"),
                    within: limit,
                })
            })
    }

    /// The version in QEMU's greeting.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// Waits until the monitor is closed and its last message is recorded.
    pub async fn closed(&self) {
        // Nothing matches, so the search ends with the events.
        let _ = self.0.events.find(u64::MAX, |_| false).await;
    }

    /// Whether the monitor is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
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
