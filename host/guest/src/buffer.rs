//! The bounded buffer between a guest that writes when it likes and a test that reads when it likes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

use crate::record::Record;
use crate::tail::Tail;
use crate::transport::Ending;

/// Output of a guest that nobody has read yet.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) tail: Tail,
    /// True while somebody reads who wants every byte: the guest waits when there is no room.
    lossless: bool,
    ended: Option<String>,
}

impl Unread {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.tail.bytes()
    }

    /// Why the stream ended, if it has.
    pub(crate) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }
}

/// A shared [`Unread`] with a wake-up for its single reader.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    unread: Arc<Mutex<Unread>>,
    changed: Arc<Notify>,
    room: Arc<Notify>,
}

impl Buffer {
    pub(crate) fn new(capacity: usize) -> Self {
        let unread = Unread {
            tail: Tail::new(capacity),
            lossless: false,
            ended: None,
        };
        Self {
            unread: Arc::new(Mutex::new(unread)),
            changed: Arc::new(Notify::new()),
            room: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change since the last call returned; one that came in between returns at once.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// From now on, and until the result is dropped, the guest waits for a reader that is slower than it.
    pub(crate) fn lossless(&self) -> Lossless {
        self.lock().lossless = true;
        Lossless(self.clone())
    }

    async fn push(&self, bytes: &[u8]) {
        loop {
            {
                let mut unread = self.lock();
                if !unread.lossless {
                    unread.tail.push(bytes);
                    break;
                }
                if !unread.tail.is_full() {
                    unread.tail.push_all(bytes);
                    break;
                }
            }
            self.room.notified().await;
        }
        self.changed.notify_one();
    }

    fn end(&self, reason: String) {
        self.lock().ended.get_or_insert(reason);
        self.changed.notify_one();
    }

    /// Moves everything from a reader into the buffer until the stream ends. The guest is always read, also while no test
    /// looks: a serial port or an ssh channel that nobody drains stops the program behind it, or the whole connection.
    pub(crate) async fn fill_from(
        self,
        mut reader: Box<dyn AsyncRead + Send + Unpin>,
        ending: Ending,
        record: Record,
    ) {
        let mut chunk = vec![0; 32 * 1024];
        let how = loop {
            match reader.read(&mut chunk).await {
                Ok(0) => break "the guest closed the stream".to_owned(),
                Ok(count) => {
                    record.received(&chunk[..count]);
                    self.push(&chunk[..count]).await;
                }
                // The kernel's way to say that the last user of a pty's other side has gone.
                Err(error) if error.raw_os_error() == Some(5) => {
                    break "the terminal was hung up".to_owned();
                }
                Err(error) => break format!("the stream broke: {error}"),
            }
        };
        let reason = ending.facts().reason.unwrap_or(how);
        record.ended(&reason);
        self.end(reason);
    }
}

/// See [`Buffer::lossless`].
pub(crate) struct Lossless(Buffer);

impl Lossless {
    /// To be called after something was taken out.
    pub(crate) fn made_room(&self) {
        self.0.room.notify_one();
    }
}

impl Drop for Lossless {
    fn drop(&mut self) {
        self.0.lock().lossless = false;
        self.0.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_guest_waits_for_a_reader_that_wants_all() {
        let buffer = Buffer::new(16);
        let lossless = buffer.lossless();
        buffer.push(&[b'x'; 40]).await;
        let second = buffer.clone();
        let mut waiting = tokio::spawn(async move { second.push(b"y").await });
        tokio::time::timeout(Duration::from_millis(50), &mut waiting)
            .await
            .unwrap_err();
        assert_eq!(buffer.lock().tail.take(50).len(), 40);
        lossless.made_room();
        waiting.await.unwrap();
        buffer.push(&[b'x'; 16]).await;
        drop(lossless);
        buffer.push(b"zz").await;
        let mut unread = buffer.lock();
        assert_eq!(unread.tail.take_lost(), 3);
        assert!(unread.bytes().ends_with(b"xzz"));
    }
}
