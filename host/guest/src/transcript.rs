//! The transcript of a session: what went both ways, and when.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::escapes::is_bidi_control;

/// A line longer than this is written in pieces, so that a guest that never ends a line cannot hold memory.
const LINE_LIMIT: usize = 4096;

/// A transcript stops after this many bytes: a guest that prints for ever must not fill the disk. 64 MiB.
const TRANSCRIPT_LIMIT: usize = 64 << 20;

/// What is shorter is not hidden.
const SHORTEST_SECRET: usize = 4;

/// A log of one session (`session-*.log` in the results tree); clones write to the same log.
///
/// One record a line: time in UTC, a direction mark, and the text with control characters shown as escapes, so that the
/// file is safe to `cat`. The marks: `<` from the guest, `>` to the guest, `=` a note of the host. A line is written when
/// it is complete or when the direction changes. The password of the login is never written: the line that answers the
/// question for it is left out, and wherever else it stands `[hidden]` takes its place.
#[derive(Clone)]
pub struct Transcript {
    log: Arc<Mutex<Log>>,
}

struct Log {
    /// `None` after a write error: a full disk must not end a session.
    sink: Option<Box<dyn Write + Send>>,
    line: Vec<u8>,
    direction: char,
    /// Bytes that may still be written.
    left: usize,
    /// What is replaced wherever it stands.
    secrets: Vec<Vec<u8>>,
}

impl Transcript {
    /// A transcript into any writer.
    #[must_use]
    pub fn new(sink: Box<dyn Write + Send>) -> Self {
        let log = Log {
            sink: Some(sink),
            line: Vec::new(),
            direction: '=',
            left: TRANSCRIPT_LIMIT,
            secrets: Vec::new(),
        };
        Self {
            log: Arc::new(Mutex::new(log)),
        }
    }

    /// A transcript into a file, which is created or appended to.
    ///
    /// # Errors
    /// [`Error::Transcript`] if the file cannot be opened.
    pub fn to_file(path: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| Error::Transcript {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self::new(Box::new(BufWriter::new(file))))
    }

    /// Replaces a text by `[hidden]` wherever it stands from now on. A text of less than four bytes is not: it would stand
    /// everywhere.
    pub fn hide(&self, secret: &str) {
        let secret = secret.as_bytes();
        let mut log = self.lock();
        if secret.len() >= SHORTEST_SECRET && !log.secrets.iter().any(|s| s == secret) {
            log.secrets.push(secret.to_vec());
        }
    }

    /// Writes a remark of the host, e.g. `connection lost`.
    pub fn note(&self, text: &str) {
        let mut log = self.lock();
        log.append('=', text.as_bytes());
        log.end_line();
        log.flush();
    }

    pub(crate) fn sent(&self, bytes: &[u8]) {
        self.lock().append('>', bytes);
    }

    pub(crate) fn received(&self, bytes: &[u8]) {
        self.lock().append('<', bytes);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

impl Log {
    fn append(&mut self, direction: char, bytes: &[u8]) {
        if direction != self.direction {
            self.end_line();
            self.direction = direction;
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            for part in piece.chunks(LINE_LIMIT) {
                self.line.extend_from_slice(part);
                if part.ends_with(b"\n") || self.line.len() >= LINE_LIMIT {
                    self.end_line();
                }
            }
        }
        self.flush();
    }

    fn end_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let time = jiff::Timestamp::now();
        let mut line = std::mem::take(&mut self.line);
        for secret in &self.secrets {
            line = hidden(&line, secret);
        }
        let text = visible(&line);
        if self.left == 0 {
            return;
        }
        self.left = self.left.saturating_sub(text.len() + 32);
        self.write(|sink, direction| writeln!(sink, "{time:.3} {direction} {text}"));
        if self.left == 0 {
            self.write(|sink, _| {
                writeln!(
                    sink,
                    "{time:.3} = the transcript is full, what follows is not in it"
                )
            });
        }
    }

    /// Once for a chunk, not for a line: a guest that prints a hundred thousand lines is logged in few writes.
    fn flush(&mut self) {
        self.write(|sink, _| sink.flush());
    }

    fn write(
        &mut self,
        action: impl FnOnce(&mut Box<dyn Write + Send>, char) -> std::io::Result<()>,
    ) {
        let Some(sink) = self.sink.as_mut() else {
            return;
        };
        if let Err(error) = action(sink, self.direction) {
            tracing::warn!(%error, "transcript stops: it cannot be written");
            self.sink = None;
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.end_line();
        self.flush();
    }
}

/// The line with something else where the secret stood.
fn hidden(line: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(place) = rest.windows(secret.len()).position(|w| w == secret) {
        clean.extend_from_slice(&rest[..place]);
        clean.extend_from_slice(b"[hidden]");
        rest = &rest[place + secret.len()..];
    }
    clean.extend_from_slice(rest);
    clean
}

/// The bytes as one line of text: the line end is dropped, control characters and broken UTF-8 become `\xNN`.
fn visible(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => text.push(c),
                '\\' => text.push_str("\\\\"),
                c if c.is_control() || is_bidi_control(c) => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_direction_and_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session.log");
        let transcript = Transcript::to_file(&path).unwrap();
        transcript.sent(b"ls\n");
        transcript.received(b"a\r\nb");
        transcript.received(b"c\xff\x1b[0m\n");
        transcript.note("closed");
        drop(transcript);
        let text = std::fs::read_to_string(&path).unwrap();
        let records: Vec<&str> = text.lines().map(|l| l.split_once(' ').unwrap().1).collect();
        assert_eq!(
            records,
            ["> ls", "< a\\r", "< bc\\xff\\u{1b}[0m", "= closed"]
        );
        assert!(text.starts_with("20"), "{text}");
    }

    #[test]
    fn secrets_are_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session.log");
        let transcript = Transcript::to_file(&path).unwrap();
        transcript.hide("secret");
        transcript.hide("abc");
        transcript.sent(b"login -p secret secretsecret\n");
        transcript.received(b"abc sec");
        transcript.received(b"ret\n");
        drop(transcript);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert!(
            text.contains("> login -p [hidden] [hidden][hidden]"),
            "{text}"
        );
        assert!(text.contains("< abc [hidden]"), "{text}");
        assert_eq!(visible("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn an_endless_line_is_cut() {
        assert_eq!(visible(b"a\\b"), "a\\\\b");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session.log");
        let transcript = Transcript::to_file(&path).unwrap();
        transcript.received(&vec![b'x'; LINE_LIMIT * 2 + 5]);
        drop(transcript);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
