//! The monitor of a machine, raw.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Vm;
use crate::error::machine_kind;
use crate::{Error, ErrorKind, MonitorError, Result};

impl Vm {
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
        let since = {
            let life = self.life();
            let last = life.events_of.get(name).copied();
            last.unwrap_or(life.events_since)
        };
        let event = machine.qmp().wait_event(name, since, timeout).await;
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let error = machine.explain("wait for an event of", error).await;
                let text = format!("{} did not report {name}", self.name);
                return Err(Error::caused(machine_kind(&error), text, error));
            }
        };
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

    /// What a command of the human monitor tells that only asks.
    ///
    /// # Errors
    /// [`MonitorError::Failed`] of the kind [`ErrorKind::AccessDenied`] if it could do more.
    pub async fn info(&self, what: &str) -> Result<String, MonitorError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
        if !what.chars().all(is_word) {
            let text = format!("`info {what}` is more than a question");
            return Err(Error::new(ErrorKind::AccessDenied, text).into());
        }
        let machine = self.machine()?;
        Ok(machine.qmp().human(&format!("info {what}")).await?)
    }
}
