//! The expect engine: wait until a guest has written something.

mod piece;

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use crate::buffer::{Buffer, Unread};
use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::limit::Limit;
use crate::pattern::Pattern;
use crate::record::{OutputListener, Record};
use crate::transcript::Transcript;
use crate::transport::{Ending, Transport};

pub(crate) use piece::Piece;

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

#[derive(Debug)]
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
    record: Record,
    filler: JoinHandle<()>,
    keep_alive: Option<Box<dyn Send + Sync>>,
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
        let record = Record::new(transcript);
        let filler = tokio::spawn(
            buffer
                .clone()
                .fill_from(reader, ending.clone(), record.clone()),
        );
        Self {
            writer,
            buffer,
            ending,
            record,
            filler,
            keep_alive: None,
        }
    }

    /// Keeps something (a connection) alive as long as this stream.
    pub(crate) fn keep(&mut self, what: Box<dyn Send + Sync>) {
        self.keep_alive = Some(what);
    }

    /// Writes bytes to the guest.
    ///
    /// # Errors
    /// [`Error::Gone`] if the stream has ended, [`Error::Write`] if the bytes cannot be written within a minute.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(transcript) = self.record.transcript() {
            transcript.sent(bytes);
        }
        self.send_unlogged(bytes).await
    }

    /// Writes a secret line: the transcript shows only that one was sent.
    pub(crate) async fn send_secret(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(transcript) = self.record.transcript() {
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
        let found = self.read_until_raw(patterns, Limit::after(timeout)).await?;
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
        limit: Limit,
    ) -> Result<RawMatch> {
        let mut seen = 0;
        loop {
            {
                let mut unread = self.buffer.lock();
                if let Some(found) = search(&mut unread, patterns, seen) {
                    return Ok(found);
                }
                seen = unread.tail.end_position();
                if unread.ended().is_some() {
                    let output = unread.bytes().to_vec();
                    drop(unread);
                    return Err(self.gone(&output));
                }
            }
            if timeout_at(limit.deadline, self.buffer.changed())
                .await
                .is_err()
            {
                return Err(self.no_match(patterns, limit.timeout));
            }
        }
    }

    /// Reads until the guest has written nothing for `quiet`, at most for `timeout` (`read_nonblocking` of the reference).
    /// Nothing written at all is an empty text, not an error.
    pub async fn read_until_quiet(&mut self, quiet: Duration, timeout: Duration) -> String {
        let limit = Limit::after(timeout);
        let mut output = Vec::new();
        loop {
            let (bytes, ended) = {
                let mut unread = self.buffer.lock();
                let all = unread.bytes().len();
                unread.tail.take_lost();
                (unread.tail.take(all), unread.ended().is_some())
            };
            output.extend_from_slice(&bytes);
            let pause = limit.within(quiet).deadline;
            if ended || timeout_at(pause, self.buffer.changed()).await.is_err() {
                return String::from_utf8_lossy(&output).into_owned();
            }
        }
    }

    /// Reads what is there now, without waiting.
    pub fn drain(&mut self) -> String {
        let mut unread = self.buffer.lock();
        let all = unread.bytes().len();
        unread.tail.take_lost();
        String::from_utf8_lossy(&unread.tail.take(all)).into_owned()
    }

    /// Everything that came since the session began, read or not: the newest [`HISTORY_LIMIT`](crate::HISTORY_LIMIT) bytes,
    /// lossily decoded, and how many bytes are missing in front of them.
    #[must_use]
    pub fn output(&self) -> (String, u64) {
        self.record.output()
    }

    /// Hands every line that comes from now on to a listener, in the task that reads the guest: it must not block.
    pub fn on_output(&self, listener: Option<OutputListener>) {
        self.record.listen(listener);
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

    fn no_match(&self, patterns: &[Pattern], timeout: Duration) -> Error {
        let patterns: Vec<&str> = patterns.iter().map(Pattern::as_str).collect();
        Error::NoMatch {
            patterns: patterns.join(", "),
            timeout,
            output: self.peek(),
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
    let seen = unread.tail.index_of(seen);
    let (index, found) = patterns
        .iter()
        .enumerate()
        .find_map(|(i, p)| p.find(unread.bytes(), seen).map(|found| (i, found)))?;
    unread.tail.take(found.end);
    Some(RawMatch {
        index,
        before: found.before,
        matched: found.matched,
        dropped: unread.tail.take_lost(),
    })
}

#[cfg(test)]
mod tests;
