//! Beginnings and ends of programs on one connection, one at a time.
//!
//! When a program ends, dropbear (2022.83, and surely others) closes every channel of its connection on which nothing runs
//! yet. If a program is asked for on such a channel all the same, because the request was on its way, it is started, and
//! dropbear dies with its first output. Therefore on a connection to dropbear a channel is opened and its program asked for
//! in a turn, and the shell of a job, which waits for that (see [`script::job`](crate::script::job)), is let end in a turn.
//! A program whose end is not in our hands has to be alone: no channel is opened beside it.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How the software version of a server begins whose programs take turns.
const SOFTWARE: &[u8] = b"SSH-2.0-dropbear";

/// How much of its greeting tells which server it is.
pub(crate) const GREETING: usize = SOFTWARE.len();

/// The turns of one connection; there are none where the server needs none.
#[derive(Clone, Default)]
pub(crate) struct Turns(Option<Arc<Mutex<()>>>);

/// The right to begin a program, or to let one end, until it is dropped.
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] Option<OwnedMutexGuard<()>>);

impl Turns {
    /// For a server that greets so.
    pub(crate) fn of(greeting: &[u8]) -> Self {
        Self(greeting.starts_with(SOFTWARE).then(Arc::default))
    }

    pub(crate) fn needed(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) async fn take(&self) -> Turn {
        Turn(match &self.0 {
            Some(turns) => Some(Arc::clone(turns).lock_owned().await),
            None => None,
        })
    }
}

/// Who decides when a program ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// We do, or nobody as long as anything else happens on the connection.
    Ours,
    /// The program itself.
    Own,
}
