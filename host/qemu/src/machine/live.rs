//! What changes about a machine while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::Handed;
use crate::plug::Plugs;

/// What a running machine has beyond its specification.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Files that QEMU was handed.
    pub(crate) handed: Handed,
    /// Devices that were plugged in and out.
    pub(crate) plugs: Plugs,
    numbers: AtomicU64,
}

impl Live {
    /// A number that no other file, job or node of this machine has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}
