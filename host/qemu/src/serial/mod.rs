//! Serial consoles: everything the guest prints goes to a log, and to whoever listens; whoever wants to types.
//!
//! QEMU is never held up: a task reads without waiting for listeners. Listeners read from a shared ring of the last
//! [`BACKLOG`] bytes, each at its own place; one that falls behind further than that loses the oldest bytes (the log
//! has them).

mod ring;
mod stream;

use std::fs::File;
use std::future::poll_fn;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use crate::error::SerialError;
use ring::Ring;
pub use stream::SerialStream;

/// How much of what was printed can still be read: 1 MiB.
pub const BACKLOG: usize = 1 << 20;

/// How much a new listener gets of what was printed before: 64 KiB.
pub const REPLAY: usize = 64 << 10;

/// How much input waits for a guest that does not read: 1 MiB.
pub const INPUT_LIMIT: usize = 1 << 20;

/// How much of the output is logged: a guest that prints for ever must not fill the disk. 64 MiB.
pub const LOG_LIMIT: u64 = 64 << 20;

/// A console. Clones share it.
#[derive(Debug, Clone)]
pub struct SerialHandle(Arc<Console>);

/// Where a new listener begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// With what is printed from now on.
    None,
    /// With the last [`REPLAY`] bytes printed so far.
    Recent,
    /// With everything that is still there, at most [`BACKLOG`] bytes.
    All,
}

#[derive(Debug)]
struct Console {
    name: String,
    state: Mutex<State>,
    /// There is input to send, or the console has closed.
    input: Notify,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    input: Vec<u8>,
    /// QEMU has closed its end.
    closed: bool,
    /// Tasks that wait for output, for room for input, or for the end.
    wakers: Vec<Waker>,
}

impl State {
    fn wake(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    fn register(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }
}

impl Console {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.wake();
        drop(state);
        self.input.notify_one();
    }
}

impl SerialHandle {
    /// Begins to read from QEMU's end of the console. The tasks end when QEMU does.
    pub(crate) fn open(name: String, stream: UnixStream, log: File) -> Self {
        let state = State {
            ring: Ring::new(BACKLOG),
            input: Vec::new(),
            closed: false,
            wakers: Vec::new(),
        };
        let console = Arc::new(Console {
            name,
            state: Mutex::new(state),
            input: Notify::new(),
        });
        let (read, write) = stream.into_split();
        tokio::spawn(read_all(Arc::clone(&console), read, log));
        tokio::spawn(write_all(Arc::clone(&console), write));
        Self(console)
    }

    /// Its name in the specification.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A new listener, which can also type.
    #[must_use]
    pub fn subscribe(&self, replay: Replay) -> SerialStream {
        let back = match replay {
            Replay::None => 0,
            Replay::Recent => REPLAY,
            Replay::All => BACKLOG,
        };
        let at = self.0.lock().ring.end().saturating_sub(back as u64);
        SerialStream::new(Arc::clone(&self.0), at)
    }

    /// A new listener that begins at a position of [`SerialHandle::printed`], or at the oldest byte that is still there.
    #[must_use]
    pub fn subscribe_from(&self, position: u64) -> SerialStream {
        let at = position.min(self.0.lock().ring.end());
        SerialStream::new(Arc::clone(&self.0), at)
    }

    /// Types. Returns at once; the bytes are sent as fast as the guest takes them.
    ///
    /// # Errors
    /// [`SerialError::WriteClosed`] if QEMU has ended, [`SerialError::WriteFull`] if the guest has left more than
    /// [`INPUT_LIMIT`] bytes unread; nothing is sent then.
    pub fn write(&self, bytes: &[u8]) -> Result<(), SerialError> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(SerialError::WriteClosed {
                name: self.0.name.clone(),
            });
        }
        if state.input.len() + bytes.len() > INPUT_LIMIT {
            return Err(SerialError::WriteFull {
                name: self.0.name.clone(),
                queued: state.input.len(),
            });
        }
        state.input.extend_from_slice(bytes);
        drop(state);
        self.0.input.notify_one();
        Ok(())
    }

    /// How many bytes the guest has printed so far.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.0.lock().ring.end()
    }

    /// The last `most` bytes that were printed, if they are still there ([`BACKLOG`]).
    #[must_use]
    pub fn backlog(&self, most: usize) -> Vec<u8> {
        let state = self.0.lock();
        let (_, kept) = state.ring.from(0);
        kept[kept.len().saturating_sub(most)..].to_vec()
    }

    /// Waits until QEMU has closed the console and everything it printed is in the log.
    pub async fn closed(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            if state.closed {
                return Poll::Ready(());
            }
            state.register(cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Whether QEMU has closed the console.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.lock().closed
    }
}

async fn read_all(console: Arc<Console>, mut read: OwnedReadHalf, log: File) {
    let mut log = Log {
        file: log,
        left: LOG_LIMIT,
        name: console.name.clone(),
    };
    let mut buffer = vec![0; 16 << 10];
    // An error is the end, too: QEMU was killed.
    while let Ok(count @ 1..) = read.read(&mut buffer).await {
        let printed = &buffer[..count];
        // To the page cache: microseconds, where a thread for it would cost more.
        log.write(printed);
        let mut state = console.lock();
        state.ring.push(printed);
        state.wake();
    }
    console.close();
}

async fn write_all(console: Arc<Console>, mut write: OwnedWriteHalf) {
    loop {
        let bytes = {
            let mut state = console.lock();
            if state.closed {
                return;
            }
            let bytes = std::mem::take(&mut state.input);
            if !bytes.is_empty() {
                state.wake();
            }
            bytes
        };
        if bytes.is_empty() {
            console.input.notified().await;
        } else if write.write_all(&bytes).await.is_err() {
            // The reader sees the end of QEMU, too, and closes the console.
            return;
        }
    }
}

/// The log file of a console.
struct Log {
    file: File,
    left: u64,
    name: String,
}

impl Log {
    fn write(&mut self, bytes: &[u8]) {
        if self.left == 0 {
            return;
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let part = &bytes[..bytes.len().min(room)];
        let mut written = self.file.write_all(part);
        self.left -= part.len() as u64;
        if self.left == 0 {
            written = written.and_then(|()| {
                self.file
                    .write_all(b"\n[vthost: log limit reached, the rest is not logged]\n")
            });
        }
        if let Err(error) = written {
            tracing::warn!(%error, serial = self.name, "cannot write to the serial log; no more is logged");
            self.left = 0;
        }
    }
}

#[cfg(test)]
mod tests;
