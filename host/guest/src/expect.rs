//! The expect engine: wait until a guest has written something.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::buffer::{Buffer, Unread};
use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::pattern::Pattern;
use crate::transcript::Transcript;
use crate::transport::{Ending, Transport};

/// How many unread bytes of a guest are kept, unless told otherwise: 8 MiB, the newest.
pub const DEFAULT_CAPACITY: usize = 8 * 1024 * 1024;

/// A guest that takes none of our bytes for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// What [`Expect::read_until`] found. The bytes up to the end of the match are read; the rest stays for the next read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which of the patterns: the first in the list that matches.
    pub index: usize,
    /// The output before the match, lossily decoded.
    pub before: String,
    /// The text that matched.
    pub matched: String,
    /// How many bytes before `before` were dropped because nobody read them in time and the buffer was full.
    pub dropped: u64,
}

pub(crate) struct RawMatch {
    pub(crate) index: usize,
    pub(crate) before: Vec<u8>,
    pub(crate) matched: Vec<u8>,
    pub(crate) dropped: u64,
}

/// A byte stream to a guest with a bounded buffer of what it wrote. Dropping it closes the stream.
pub struct Expect {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    buffer: Buffer,
    ending: Ending,
    transcript: Option<Transcript>,
    filler: JoinHandle<()>,
    keep_alive: Option<Arc<dyn Send + Sync>>,
}

impl Expect {
    /// Takes over a transport and starts reading it at once, in a task of its own. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(transport: Transport, transcript: Option<Transcript>) -> Self {
        Self::with_capacity(transport, transcript, DEFAULT_CAPACITY)
    }

    /// Like [`Expect::new`] with a buffer of `capacity` bytes.
    #[must_use]
    pub fn with_capacity(
        transport: Transport,
        transcript: Option<Transcript>,
        capacity: usize,
    ) -> Self {
        let Transport {
            reader,
            writer,
            ending,
        } = transport;
        let buffer = Buffer::new(capacity);
        let filler = tokio::spawn(buffer.clone().fill_from(
            reader,
            ending.clone(),
            transcript.clone(),
        ));
        Self {
            writer,
            buffer,
            ending,
            transcript,
            filler,
            keep_alive: None,
        }
    }

    /// Keeps something (a connection) alive as long as this stream.
    pub(crate) fn keep(&mut self, what: Arc<dyn Send + Sync>) {
        self.keep_alive = Some(what);
    }

    /// Writes bytes to the guest.
    ///
    /// # Errors
    /// [`Error::Gone`] if the stream has ended, [`Error::Write`] if the bytes cannot be written within a minute.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(transcript) = &self.transcript {
            transcript.sent(bytes);
        }
        self.send_unlogged(bytes).await
    }

    /// Writes a secret line: the transcript shows only that one was sent.
    pub(crate) async fn send_secret(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(transcript) = &self.transcript {
            transcript.note("a password is sent");
        }
        self.send_unlogged(bytes).await
    }

    async fn send_unlogged(&mut self, bytes: &[u8]) -> Result<()> {
        if self.has_ended() {
            return Err(self.gone(&[]));
        }
        let write = async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        };
        let written = match tokio::time::timeout(SEND_TIMEOUT, write).await {
            Ok(written) => written,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        };
        written.map_err(|source| Error::Write { source })
    }

    /// Waits until one of the patterns matches the unread output; the first of the list wins. See [`Match`] for what is
    /// read by that.
    ///
    /// # Errors
    /// [`Error::NoMatch`] after `timeout`, [`Error::Gone`] when the stream ends before; the output stays unread in both
    /// cases, so that a second attempt with other patterns can still match it.
    pub async fn read_until(&mut self, patterns: &[Pattern], timeout: Duration) -> Result<Match> {
        let found = self
            .read_until_raw(patterns, Instant::now() + timeout, timeout)
            .await?;
        Ok(Match {
            index: found.index,
            before: String::from_utf8_lossy(&found.before).into_owned(),
            matched: String::from_utf8_lossy(&found.matched).into_owned(),
            dropped: found.dropped,
        })
    }

    pub(crate) async fn read_until_raw(
        &mut self,
        patterns: &[Pattern],
        deadline: Instant,
        timeout: Duration,
    ) -> Result<RawMatch> {
        let mut seen = 0;
        loop {
            {
                let mut unread = self.buffer.lock();
                if let Some(found) = search(&mut unread, patterns, seen) {
                    return Ok(found);
                }
                seen = unread.end_position();
                if unread.ended().is_some() {
                    let output = unread.bytes().to_vec();
                    drop(unread);
                    return Err(self.gone(&output));
                }
            }
            if timeout_at(deadline, self.buffer.changed()).await.is_err() {
                let patterns: Vec<&str> = patterns.iter().map(|p| p.as_str()).collect();
                let output = tail_lossy(self.buffer.lock().bytes(), ERROR_OUTPUT_LIMIT);
                return Err(Error::NoMatch {
                    patterns: patterns.join(", "),
                    timeout,
                    output,
                });
            }
        }
    }

    /// Reads until the guest has written nothing for `quiet`, at most for `timeout` (`read_nonblocking` of the reference).
    /// Nothing written at all is an empty text, not an error.
    pub async fn read_until_quiet(&mut self, quiet: Duration, timeout: Duration) -> String {
        let deadline = Instant::now() + timeout;
        let mut output = Vec::new();
        loop {
            let (bytes, ended) = {
                let mut unread = self.buffer.lock();
                let all = unread.bytes().len();
                (unread.take(all), unread.ended().is_some())
            };
            output.extend_from_slice(&bytes);
            let pause = deadline.min(Instant::now() + quiet);
            if ended || timeout_at(pause, self.buffer.changed()).await.is_err() {
                return String::from_utf8_lossy(&output).into_owned();
            }
        }
    }

    /// Reads what is there now, without waiting.
    pub fn drain(&mut self) -> String {
        let mut unread = self.buffer.lock();
        let all = unread.bytes().len();
        unread.take_lost();
        String::from_utf8_lossy(&unread.take(all)).into_owned()
    }

    /// The end of the unread output, without reading it.
    #[must_use]
    pub fn peek(&self) -> String {
        tail_lossy(self.buffer.lock().bytes(), ERROR_OUTPUT_LIMIT)
    }

    /// True once the stream has ended; what came before can still be read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.buffer.lock().ended().is_some()
    }

    /// Ends the writing side; a guest that notices ends the other one.
    pub async fn close(&mut self) {
        if let Err(error) = self.writer.shutdown().await {
            tracing::debug!(%error, "stream was closed before");
        }
    }

    /// The error for a stream that has ended, with all that is known about why.
    pub(crate) fn gone(&self, output: &[u8]) -> Error {
        let facts = self.ending.facts();
        let reason = self
            .buffer
            .lock()
            .ended()
            .unwrap_or("the stream ended")
            .to_owned();
        let reason = match (&facts.signal, facts.status) {
            (Some(signal), _) => format!("the shell was ended by signal {signal}"),
            (None, Some(_)) => "the shell has exited".to_owned(),
            (None, None) => reason,
        };
        Error::Gone {
            reason,
            status: facts.status,
            output: tail_lossy(output, ERROR_OUTPUT_LIMIT),
        }
    }
}

impl Drop for Expect {
    fn drop(&mut self) {
        self.filler.abort();
    }
}

impl std::fmt::Debug for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expect")
            .field("buffer", &self.buffer.lock().bytes().len())
            .finish_non_exhaustive()
    }
}

fn search(unread: &mut Unread, patterns: &[Pattern], seen: u64) -> Option<RawMatch> {
    let seen = unread.index_of(seen);
    let (index, found) = patterns
        .iter()
        .enumerate()
        .find_map(|(i, p)| p.find(unread.bytes(), seen).map(|found| (i, found)))?;
    unread.take(found.end);
    Some(RawMatch {
        index,
        before: found.before,
        matched: found.matched,
        dropped: unread.take_lost(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn pair(capacity: usize) -> (Expect, DuplexStream) {
        let (near, far) = tokio::io::duplex(1 << 20);
        (
            Expect::with_capacity(Transport::from_stream(near), None, capacity),
            far,
        )
    }

    #[tokio::test]
    async fn the_first_pattern_of_the_list_wins_and_the_rest_stays() {
        let (mut expect, mut guest) = pair(1000);
        guest.write_all(b"one two three four").await.unwrap();
        let patterns = [
            Pattern::literal("three").unwrap(),
            Pattern::literal("two").unwrap(),
        ];
        let found = expect.read_until(&patterns, SOON).await.unwrap();
        let expected = Match {
            index: 0,
            before: "one two ".into(),
            matched: "three".into(),
            dropped: 0,
        };
        assert_eq!(found, expected);
        assert_eq!(expect.drain(), " four");
    }

    #[tokio::test]
    async fn what_did_not_match_can_match_later() {
        let (mut expect, mut guest) = pair(1000);
        guest.write_all(b"some out").await.unwrap();
        let never = [Pattern::literal("never").unwrap()];
        let error = expect
            .read_until(&never, Duration::from_millis(50))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no match for never within 50ms; last output: some out"
        );
        guest.write_all(b"put").await.unwrap();
        let found = expect
            .read_until(&[Pattern::literal("output").unwrap()], SOON)
            .await
            .unwrap();
        assert_eq!(found.before, "some ");
    }

    #[tokio::test]
    async fn a_long_match_in_pieces_is_found() {
        let (mut expect, mut guest) = pair(1 << 20);
        let pattern = [Pattern::new("<x+>").unwrap()];
        let write = async {
            guest.write_all(&vec![b'.'; 200_000]).await.unwrap();
            guest.write_all(b"<").await.unwrap();
            for _ in 0..50 {
                guest.write_all(&[b'x'; 1000]).await.unwrap();
                tokio::task::yield_now().await;
            }
            guest.write_all(b">").await.unwrap();
        };
        let (found, ()) = tokio::join!(expect.read_until(&pattern, SOON), write);
        let found = found.unwrap();
        assert_eq!((found.before.len(), found.matched.len()), (200_000, 50_002));
    }

    #[tokio::test]
    async fn the_end_of_the_stream_comes_after_its_data() {
        let (mut expect, mut guest) = pair(1000);
        guest.write_all(b"last words").await.unwrap();
        drop(guest);
        let found = expect
            .read_until(&[Pattern::literal("last").unwrap()], SOON)
            .await
            .unwrap();
        assert_eq!(found.matched, "last");
        let error = expect
            .read_until(&[Pattern::literal("more").unwrap()], SOON)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::Gone { output, .. } if output == " words"),
            "{error}"
        );
        assert!(matches!(expect.send(b"x").await, Err(Error::Gone { .. })));
        assert!(expect.has_ended());
    }

    #[tokio::test]
    async fn a_flood_keeps_its_end_and_says_so() {
        let (mut expect, mut guest) = pair(1000);
        guest.write_all(&vec![b'.'; 100_000]).await.unwrap();
        guest.write_all(b"end").await.unwrap();
        let found = expect
            .read_until(&[Pattern::literal("end").unwrap()], SOON)
            .await
            .unwrap();
        assert_eq!(found.before.len() as u64 + found.dropped, 100_000);
        assert!(found.before.len() < 1200);
    }

    #[tokio::test]
    async fn quiet_ends_a_read() {
        let (mut expect, mut guest) = pair(1000);
        guest.write_all(b"a").await.unwrap();
        assert_eq!(
            expect
                .read_until_quiet(Duration::from_millis(50), SOON)
                .await,
            "a"
        );
        assert_eq!(
            expect
                .read_until_quiet(Duration::from_millis(1), SOON)
                .await,
            ""
        );
    }
}
