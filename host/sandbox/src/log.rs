//! Where the log of a test goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vthost_metadata::{LogLevel, LogSource};

type Write = dyn Fn(LogLevel, LogSource, String) + Send + Sync;

/// Where the log of a test goes. Cheap to clone; all clones share the limit.
#[derive(Clone)]
pub struct TestLogger {
    write: Arc<Write>,
    left: Arc<AtomicUsize>,
    /// Whether the mark of a full log was written.
    marked: Arc<AtomicBool>,
}

impl TestLogger {
    /// A log that hands every line to `write`, up to `limit` bytes of what the pack itself writes.
    pub fn new(
        limit: usize,
        write: impl Fn(LogLevel, LogSource, String) + Send + Sync + 'static,
    ) -> Self {
        Self {
            write: Arc::new(write),
            left: Arc::new(AtomicUsize::new(limit)),
            marked: Arc::default(),
        }
    }

    /// Writes a line that came from the pack.
    pub(crate) fn write(&self, level: LogLevel, source: LogSource, message: String) {
        let cost = message.len().max(1);
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(cost))
            })
            .unwrap_or(0);
        if before >= cost {
            (self.write)(level, source, message);
        } else if !self.marked.swap(true, Ordering::Relaxed) {
            let mark = "limit:log: the log of this test is full, what follows is dropped";
            (self.write)(LogLevel::Warn, LogSource::Host, mark.to_owned());
        }
    }
}

impl std::fmt::Debug for TestLogger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestLogger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_full_log_says_so_once() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = TestLogger::new(10, move |_, source, text| {
            sink.lock().unwrap().push((source, text));
        });
        for text in ["12345", "67890", "one too many", "a", "b"] {
            log.write(LogLevel::Info, LogSource::Test, text.to_owned());
        }
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[2].1.starts_with("limit:log"));
    }
}
