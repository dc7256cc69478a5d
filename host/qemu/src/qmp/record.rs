//! The log of a monitor: one JSON object per line and message.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes `{"time": <seconds since 1970>, "direction": "send"|"receive", "message": {...}}` lines.
#[derive(Debug)]
pub(crate) struct Recorder(Mutex<(File, usize)>);

/// The log stops after this many bytes: a test that asks for ever must not fill the disk. 64 MiB.
const LOG_LIMIT: usize = 64 << 20;

impl Recorder {
    pub(crate) fn new(file: File) -> Self {
        Self(Mutex::new((file, LOG_LIMIT)))
    }

    pub(super) fn sent(&self, message: &str) {
        self.write("send", message);
    }

    pub(super) fn received(&self, message: &str) {
        self.write("receive", message);
    }

    /// `message` is JSON on one line already. The write goes to the page cache, in one call, so that lines of several
    /// tasks do not mix and the line is there even if this process is killed.
    fn write(&self, direction: &str, message: &str) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let time = format!("{}.{:06}", now.as_secs(), now.subsec_micros());
        let line =
            format!("{{\"time\":{time},\"direction\":\"{direction}\",\"message\":{message}}}\n");
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, left) = &mut *log;
        if *left < line.len() {
            *left = 0;
            return;
        }
        *left -= line.len();
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "cannot write to the monitor log");
        }
    }
}
