//! What a session keeps of everything that came: the transcript, the output so far, and who wants to hear each line.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use regex::bytes::Regex;

use crate::tail::Tail;
use crate::transcript::Transcript;

/// How much of all output of a session is kept, in bytes: the newest 1 MiB.
pub const HISTORY_LIMIT: usize = 1 << 20;

/// A line longer than this is handed to a listener in pieces.
const LINE_LIMIT: usize = 64 * 1024;

/// What this crate makes a shell print for itself.
static OURS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"@vt[a-z]:[0-9a-f]{16}(?::[0-9a-f]*)*@(?:\r*\n)?|vthost-[0-9a-f]{16}# ").ok()
});

/// Is called with every line of output, without its line end, see [`Session::on_output`](crate::Session::on_output).
pub type OutputListener = Box<dyn Fn(&str) + Send>;

/// Clones share one record.
#[derive(Clone)]
pub(crate) struct Record {
    transcript: Option<Transcript>,
    history: Arc<Mutex<Tail>>,
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    listener: Option<OutputListener>,
    begun: Vec<u8>,
}

impl Record {
    pub(crate) fn new(transcript: Option<Transcript>) -> Self {
        Self {
            transcript,
            history: Arc::new(Mutex::new(Tail::new(HISTORY_LIMIT))),
            lines: Arc::default(),
        }
    }

    pub(crate) fn transcript(&self) -> Option<&Transcript> {
        self.transcript.as_ref()
    }

    /// Everything so far, without what this crate made the shell print, and how many bytes are missing in front of it.
    pub(crate) fn output(&self) -> (String, u64) {
        let history = lock(&self.history);
        let output = String::from_utf8_lossy(&without_ours(history.bytes())).into_owned();
        (output, history.lost())
    }

    pub(crate) fn listen(&self, listener: Option<OutputListener>) {
        let mut lines = lock(&self.lines);
        lines.listener = listener;
        lines.begun.clear();
    }

    pub(crate) fn received(&self, bytes: &[u8]) {
        if let Some(transcript) = &self.transcript {
            transcript.received(bytes);
        }
        lock(&self.history).push(bytes);
        lock(&self.lines).push(bytes);
    }

    pub(crate) fn ended(&self, reason: &str) {
        if let Some(transcript) = &self.transcript {
            transcript.note(reason);
        }
        lock(&self.lines).end_line();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        if self.listener.is_none() {
            return;
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            for part in piece.chunks(LINE_LIMIT) {
                self.begun.extend_from_slice(part);
                if part.ends_with(b"\n") || self.begun.len() >= LINE_LIMIT {
                    self.end_line();
                }
            }
        }
    }

    fn end_line(&mut self) {
        let Some(listener) = self.listener.as_ref().filter(|_| !self.begun.is_empty()) else {
            return;
        };
        let line = without_ours(&self.begun);
        if !line.is_empty() {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            listener(&String::from_utf8_lossy(text));
        }
        self.begun.clear();
    }
}

fn without_ours(bytes: &[u8]) -> Cow<'_, [u8]> {
    match OURS.as_ref() {
        Some(ours) => ours.replace_all(bytes, &b""[..]),
        None => Cow::Borrowed(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_not_shown() {
        let record = Record::new(None);
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let ears = Arc::clone(&heard);
        record.listen(Some(Box::new(move |line| {
            lock(&ears).push(line.to_owned());
        })));
        for piece in [
            "@vtb:0123456789abcdef@\r\nhel",
            "lo\r\n\n@vte:0123456789abcdef:0@\nvthost-0123456789abcdef# tail",
        ] {
            record.received(piece.as_bytes());
        }
        record.ended("closed");
        assert_eq!(*lock(&heard), ["hello", "", "tail"]);
        assert_eq!(record.output(), ("hello\r\n\ntail".to_owned(), 0));
    }

    #[test]
    fn a_line_without_end_is_handed_on_in_pieces() {
        let record = Record::new(None);
        let count = Arc::new(Mutex::new((0, 0)));
        let counted = Arc::clone(&count);
        record.listen(Some(Box::new(move |line| {
            let mut count = lock(&counted);
            count.0 += 1;
            count.1 += line.len();
        })));
        record.received(&vec![b'x'; 3 * HISTORY_LIMIT]);
        assert_eq!(
            *lock(&count),
            (3 * HISTORY_LIMIT / LINE_LIMIT, 3 * HISTORY_LIMIT)
        );
        let (output, lost) = record.output();
        assert_eq!(output.len() as u64 + lost, 3 * HISTORY_LIMIT as u64);
    }
}
