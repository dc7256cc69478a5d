//! The events of one monitor, kept in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::error::QmpError;

/// How many events are kept. QEMU limits the rate of those a guest can cause, so that a test never sees this limit; it
/// is there for a guest that runs for weeks. The log of the monitor has them all.
const KEPT: usize = 100_000;

/// How many bytes the kept events may have had as text: 64 MiB.
const KEPT_BYTES: usize = 64 << 20;

/// How many names are counted. QEMU has about seventy.
const NAMES: usize = 1000;

/// The name of the event that stands for those that were dropped: what [`super::Qmp::events_since`] returns begins with
/// it if older events were asked for than are kept. Its data is `{"count": <how many>}`.
pub const EVENTS_LOST: &str = "VTHOST_EVENTS_LOST";

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
    /// With the length of the message that each came in.
    kept: VecDeque<(Event, usize)>,
    bytes: usize,
    counts: BTreeMap<String, u64>,
}

impl State {
    fn keep(&mut self, event: Event, length: usize) {
        let room = self.counts.len() < NAMES;
        match self.counts.get_mut(&event.name) {
            Some(count) => *count += 1,
            None if room => {
                self.counts.insert(event.name.clone(), 1);
            }
            None => {}
        }
        self.next = event.seq + 1;
        self.bytes += length;
        self.kept.push_back((event, length));
        // The newest one is kept whatever its size.
        while self.kept.len() > KEPT || (self.bytes > KEPT_BYTES && self.kept.len() > 1) {
            let dropped = self.kept.pop_front();
            self.bytes -= dropped.map_or(0, |(_, length)| length);
        }
    }

    /// The kept events from a position on.
    fn from(&self, cursor: u64) -> impl Iterator<Item = &Event> {
        let events = self.kept.iter().map(|(event, _)| event);
        events.skip_while(move |event| event.seq < cursor)
    }

    /// Stands for the events from a position on that are not kept any more.
    fn lost(&self, cursor: u64) -> Option<Event> {
        let (oldest, _) = self.kept.front()?;
        (cursor < oldest.seq).then(|| Event {
            seq: cursor,
            name: EVENTS_LOST.to_owned(),
            data: json!({ "count": oldest.seq - cursor }),
            at_micros: oldest.at_micros,
        })
    }
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

    /// Takes a message in, if it is an event. `length` is that of its text.
    pub(super) fn push(&self, message: &Value, length: usize) -> bool {
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
        let event = Event {
            seq,
            name: name.to_owned(),
            data,
            at_micros,
        };
        state.keep(event, length);
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
        let state = self.lock();
        let lost = state.lost(cursor);
        lost.into_iter()
            .chain(state.from(cursor).cloned())
            .collect()
    }

    /// How many events of this name there were, kept or not.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.lock().counts.get(name).copied().unwrap_or(0)
    }

    /// Waits for the first event from `cursor` on of which `look` makes something.
    pub(super) async fn find<T>(
        &self,
        cursor: u64,
        mut look: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, QmpError> {
        let mut arrived = self.arrived.subscribe();
        let mut from = cursor;
        loop {
            let open = arrived.borrow_and_update().is_some();
            {
                let state = self.lock();
                if let Some(found) = state.from(from).find_map(&mut look) {
                    return Ok(found);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn push(events: &Events, name: &str, length: usize) {
        assert!(events.push(&json!({ "event": name }), length));
    }

    #[test]
    fn what_is_dropped_is_marked_and_counted() {
        let events = Events::new();
        for _ in 0..KEPT + 5 {
            push(&events, "STOP", 50);
        }
        let all = events.since(0);
        assert_eq!(all.len(), KEPT + 1);
        assert_eq!(all[0].name, EVENTS_LOST);
        assert_eq!(all[0].data, json!({ "count": 5 }));
        assert_eq!((all[1].seq, all[1].name.as_str()), (5, "STOP"));
        assert_eq!(events.since(7)[0].seq, 7, "nothing is lost from here on");
        assert_eq!(events.count("STOP"), KEPT as u64 + 5);
        assert_eq!(events.next(), KEPT as u64 + 5);
    }

    #[test]
    fn large_events_are_bounded_by_their_size() {
        let events = Events::new();
        for name in ["A", "B", "C"] {
            push(&events, name, KEPT_BYTES / 2);
        }
        let names: Vec<String> = events
            .since(0)
            .into_iter()
            .map(|event| event.name)
            .collect();
        assert_eq!(names, [EVENTS_LOST, "B", "C"]);
        push(&events, "D", 2 * KEPT_BYTES);
        assert_eq!(events.since(3).len(), 1, "the newest is always there");
    }
}
