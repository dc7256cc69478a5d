//! The events of one monitor, kept in order.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::error::QmpError;

/// How many events are kept. QEMU limits the rate of those a guest can cause, so that a test never sees this limit; it
/// is there for a guest that runs for weeks. The log of the monitor has them all.
const KEPT: usize = 100_000;

/// Something that happened in QEMU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its number, from 0 on.
    pub seq: u64,
    /// Its name, such as `SHUTDOWN`.
    pub name: String,
    /// Its data; null if it has none.
    pub data: Value,
    /// When it happened, by the host's clock: microseconds since 1970.
    pub at_micros: u64,
}

#[derive(Debug)]
pub(super) struct Events {
    state: Mutex<State>,
    /// Counts events, so that waiters wake up; `None` once no more will come.
    arrived: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    kept: VecDeque<Event>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            arrived: watch::Sender::new(Some(0)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message in, if it is an event.
    pub(super) fn push(&self, message: &Value) -> bool {
        let Some(name) = message.get("event").and_then(Value::as_str) else {
            return false;
        };
        let stamp = |field: &str| {
            message
                .pointer(&format!("/timestamp/{field}"))
                .and_then(Value::as_u64)
                .unwrap_or(0)
        };
        let at_micros = stamp("seconds")
            .saturating_mul(1_000_000)
            .saturating_add(stamp("microseconds"));
        let mut state = self.lock();
        let seq = state.next;
        let data = message.get("data").cloned().unwrap_or_default();
        state.kept.push_back(Event {
            seq,
            name: name.to_owned(),
            data,
            at_micros,
        });
        state.next += 1;
        if state.kept.len() > KEPT {
            state.kept.pop_front();
        }
        drop(state);
        self.arrived.send_replace(Some(seq + 1));
        true
    }

    /// No more events will come.
    pub(super) fn close(&self) {
        self.arrived.send_replace(None);
    }

    pub(super) fn next(&self) -> u64 {
        self.lock().next
    }

    pub(super) fn since(&self, cursor: u64) -> Vec<Event> {
        self.lock()
            .kept
            .iter()
            .filter(|event| event.seq >= cursor)
            .cloned()
            .collect()
    }

    /// Waits for the first event from `cursor` on that matches.
    pub(super) async fn find(
        &self,
        cursor: u64,
        mut matches: impl FnMut(&Event) -> bool,
    ) -> Result<Event, QmpError> {
        let mut arrived = self.arrived.subscribe();
        let mut from = cursor;
        loop {
            let open = arrived.borrow_and_update().is_some();
            {
                let state = self.lock();
                if let Some(event) = state
                    .kept
                    .iter()
                    .filter(|event| event.seq >= from)
                    .find(|event| matches(event))
                {
                    return Ok(event.clone());
                }
                from = from.max(state.next);
            }
            // The sender lives as long as `self`, so that an error cannot come.
            if !open || arrived.changed().await.is_err() {
                return Err(QmpError::Closed);
            }
        }
    }
}
