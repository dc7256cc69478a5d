//! The account of one copy: bounds, rate, progress, time for one answer.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::error::{Result, TransferFault};
use super::names::shown;
use super::options::{Carrier, Progress, Skipped, TransferOptions, TransferReport};

/// So many skipped entries are named in a report.
const NAMED: usize = 100;

pub(crate) struct Meter {
    pub(crate) options: TransferOptions,
    pub(crate) progress: Progress,
    entries: u64,
    started: Instant,
    /// When the rate allows the next byte.
    free_at: Instant,
    skipped: Vec<Skipped>,
    skipped_count: u64,
}

impl Meter {
    pub(crate) fn new(options: &TransferOptions) -> Self {
        Self {
            options: options.clone(),
            progress: Progress::default(),
            entries: 0,
            started: Instant::now(),
            free_at: Instant::now(),
            skipped: Vec::new(),
            skipped_count: 0,
        }
    }

    /// One more entry, `depth` directories below the top.
    pub(crate) fn entry(&mut self, depth: usize) -> Result<()> {
        let limits = self.options.limits;
        self.entries += 1;
        if self.entries > limits.entries {
            return Err(TransferFault::Limit {
                what: "files and directories",
                limit: limits.entries,
            });
        }
        if depth > limits.depth {
            return Err(TransferFault::Limit {
                what: "directories inside each other",
                limit: limits.depth as u64,
            });
        }
        Ok(())
    }

    /// A file begins.
    pub(crate) fn begin(&mut self, path: &[u8]) {
        self.progress.current = Some(shown(path));
        self.progress.offset = 0;
    }

    /// So many bytes of it were moved; waits as the rate demands.
    pub(crate) async fn moved(&mut self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        self.progress.bytes += bytes;
        self.progress.offset += bytes;
        let limit = self.options.limits.bytes;
        if self.progress.bytes > limit {
            return Err(TransferFault::Limit {
                what: "bytes",
                limit,
            });
        }
        self.tell();
        if let Some(rate) = self.options.limit {
            let time = bytes as f64 / (rate.max(1) as f64 * 1024.0);
            self.free_at = self.free_at.max(Instant::now()) + Duration::from_secs_f64(time);
            sleep_until(self.free_at).await;
        }
        Ok(())
    }

    /// The file is complete.
    pub(crate) fn file_done(&mut self) {
        self.progress.files += 1;
        self.progress.current = None;
        self.progress.offset = 0;
        self.tell();
    }

    pub(crate) fn skip(&mut self, path: &[u8], reason: &'static str) {
        self.skipped_count += 1;
        if self.skipped.len() < NAMED {
            self.skipped.push(Skipped {
                path: shown(path),
                reason,
            });
        }
    }

    /// Gives one answer of the guest its time.
    pub(crate) async fn answer<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let time = self.options.operation_timeout;
        match timeout(time, answer).await {
            Ok(result) => result,
            Err(_) => Err(TransferFault::Stalled {
                operation,
                timeout: time,
            }),
        }
    }

    pub(crate) fn report(self, carrier: Carrier) -> TransferReport {
        TransferReport {
            carrier,
            files: self.progress.files,
            directories: self.progress.directories,
            links: self.progress.links,
            bytes: self.progress.bytes,
            elapsed: self.started.elapsed(),
            skipped: self.skipped,
            skipped_count: self.skipped_count,
        }
    }

    fn tell(&self) {
        if let Some(progress) = &self.options.progress {
            progress(&self.progress);
        }
    }
}
