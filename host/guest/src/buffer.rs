//! The bounded buffer between a guest that writes when it likes and a test that reads when it likes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

use crate::transcript::Transcript;
use crate::transport::Ending;

/// Output of a guest that nobody has read yet: the newest `capacity` bytes (and up to an eighth more, so that the front is
/// not moved for each byte that arrives).
#[derive(Debug)]
pub(crate) struct Unread {
    data: Vec<u8>,
    capacity: usize,
    /// Position in the whole stream of `data[0]`: positions stay valid while the front is cut.
    base: u64,
    /// Bytes thrown away for lack of room since the last [`Unread::take_lost`].
    lost: u64,
    ended: Option<String>,
}

impl Unread {
    fn new(capacity: usize) -> Self {
        Self {
            data: Vec::new(),
            capacity,
            base: 0,
            lost: 0,
            ended: None,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Why the stream ended, if it has.
    pub(crate) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// The index into [`Unread::bytes`] of a stream position; positions before the front count as the front.
    pub(crate) fn index_of(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.base))
            .map_or(self.data.len(), |i| i.min(self.data.len()))
    }

    /// The stream position of the end of the data.
    pub(crate) fn end_position(&self) -> u64 {
        self.base + self.data.len() as u64
    }

    /// Removes and returns the first `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.data.len());
        self.base += count as u64;
        if count == self.data.len() {
            return std::mem::take(&mut self.data);
        }
        let rest = self.data.split_off(count);
        std::mem::replace(&mut self.data, rest)
    }

    /// How many bytes were thrown away since the last call.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        if self.data.len() > self.capacity + self.capacity / 8 {
            let cut = self.data.len() - self.capacity;
            self.data.drain(..cut);
            self.base += cut as u64;
            self.lost += cut as u64;
        }
    }
}

/// A shared [`Unread`] with a wake-up for its single reader.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    unread: Arc<Mutex<Unread>>,
    changed: Arc<Notify>,
}

impl Buffer {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            unread: Arc::new(Mutex::new(Unread::new(capacity))),
            changed: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change since the last call returned; one that came in between returns at once.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        self.lock().push(bytes);
        self.changed.notify_one();
    }

    pub(crate) fn end(&self, reason: String) {
        self.lock().ended.get_or_insert(reason);
        self.changed.notify_one();
    }

    /// Moves everything from a reader into the buffer until the stream ends. The guest is always read, also while no test
    /// looks: a serial port or an ssh channel that nobody drains stops the program behind it, or the whole connection.
    pub(crate) async fn fill_from(
        self,
        mut reader: Box<dyn AsyncRead + Send + Unpin>,
        ending: Ending,
        transcript: Option<Transcript>,
    ) {
        let mut chunk = vec![0; 32 * 1024];
        let how = loop {
            match reader.read(&mut chunk).await {
                Ok(0) => break "the guest closed the stream".to_owned(),
                Ok(count) => {
                    if let Some(transcript) = &transcript {
                        transcript.received(&chunk[..count]);
                    }
                    self.push(&chunk[..count]);
                }
                // The kernel's way to say that the last user of a pty's other side has gone.
                Err(error) if error.raw_os_error() == Some(5) => {
                    break "the terminal was hung up".to_owned();
                }
                Err(error) => break format!("the stream broke: {error}"),
            }
        };
        let reason = ending.facts().reason.unwrap_or(how);
        if let Some(transcript) = &transcript {
            transcript.note(&reason);
        }
        self.end(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_kept_and_the_loss_counted() {
        let buffer = Buffer::new(16);
        buffer.push(b"0123456789");
        buffer.push(b"abcdefghij");
        let mut unread = buffer.lock();
        assert_eq!(unread.bytes(), b"456789abcdefghij");
        assert_eq!(unread.take_lost(), 4);
        assert_eq!(unread.take_lost(), 0);
        assert_eq!(unread.index_of(2), 0);
        assert_eq!(unread.index_of(6), 2);
        assert_eq!(unread.take(2), b"45");
        assert_eq!(unread.index_of(6), 0);
        assert_eq!(unread.end_position(), 20);
        assert_eq!(unread.take(100), b"6789abcdefghij");
    }
}
