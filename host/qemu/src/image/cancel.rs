//! Work in threads that ends when nobody waits for it any more.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ImageError;

/// Says to the work that its result is not wanted any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// An error, if that is so. It reaches nobody: whoever would get it has gone.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        Ok(())
    }
}

/// Cancels when it is dropped.
struct Guard(Cancelled);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Does something in a thread of its own, which is told when this future is dropped. `action` and `path`: what an error
/// of the runtime says.
pub(super) async fn in_thread<T: Send + 'static>(
    action: &'static str,
    path: &Path,
    work: impl FnOnce(&Cancelled) -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    let guard = Guard(Cancelled::default());
    let cancelled = guard.0.clone();
    let done = tokio::task::spawn_blocking(move || work(&cancelled)).await;
    // The task fails only if the runtime is shut down.
    done.map_err(|error| ImageError::file(action, path, io::Error::other(error)))?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_is_told_that_nobody_waits() {
        let (sender, receiver) = mpsc::channel();
        let work = in_thread("read", Path::new("x"), move |cancelled| {
            while cancelled.check().is_ok() {
                std::thread::yield_now();
            }
            sender.send(()).unwrap();
            Ok(())
        });
        let waited = tokio::time::timeout(Duration::from_millis(1), work).await;
        assert!(waited.is_err());
        receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}
