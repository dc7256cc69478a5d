//! What a walk and the walks of the joins in it count together, so that they stay within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts over a walk and all walks of the joins in it: a few joins in each other make very many walks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Choices that a filter rejected since a combination last came out.
    pub(crate) fruitless: Counter,
    /// Choices tried.
    pub(crate) tried: Counter,
    /// Walks that live.
    pub(super) live: Counter,
}

/// A number that the walks share. They are all in one thread, but may go to another one together.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }
}

/// Walks that live at the same time: each holds a state of the whole expansion.
pub(super) const MAX_LIVE: u64 = 200;

/// Stands for a walk that lives.
pub(super) struct Live(Arc<Counts>);

impl Live {
    pub(super) fn new(counts: &Arc<Counts>) -> Self {
        counts.live.set(counts.live.get() + 1);
        Self(Arc::clone(counts))
    }
}

impl Clone for Live {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.set(self.0.live.get() - 1);
    }
}
