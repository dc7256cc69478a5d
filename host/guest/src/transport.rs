//! The byte stream under a session, whatever carries it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};

/// The two halves of a byte stream to a terminal in the guest: a serial port, an ssh channel, a pty in a test.
///
/// Reading must end with end-of-file or an error when the other side is gone.
pub struct Transport {
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub(crate) ending: Ending,
}

impl Transport {
    /// A transport out of two halves.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            ending: Ending::default(),
        }
    }

    /// A transport over one duplex stream, e.g. a Unix socket or a [`tokio::io::DuplexStream`].
    pub fn from_stream(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self::new(reader, writer)
    }

    pub(crate) fn with_ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// What the carrier of a stream knows about its end beyond "end of file"; written before the end is seen by the reader.
#[derive(Clone, Default, Debug)]
pub(crate) struct Ending {
    facts: Arc<Mutex<Facts>>,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct Facts {
    /// The exit status of the program at the other end.
    pub(crate) status: Option<i32>,
    /// The name of the signal that ended it, without `SIG`.
    pub(crate) signal: Option<String>,
    /// Why the stream ended, if not because the program did.
    pub(crate) reason: Option<String>,
}

impl Ending {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
