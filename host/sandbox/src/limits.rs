//! What a test may use.

use std::time::Duration;

use wasmtime::{ResourceLimiter, bail};

/// What a test may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all memories of the instance together: `limit:memory`.
    pub memory: usize,
    /// Handles to host resources at a time; one more traps: `limit:handles`.
    pub handles: usize,
    /// Bytes of log; what comes after is dropped: `limit:log`.
    pub log: usize,
    /// How long the test may take, by the wall clock: `limit:deadline`.
    pub deadline: Duration,
}

impl Default for Limits {
    /// 256 MiB of memory, 4,096 handles, 10 MiB of log, four hours.
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            handles: 4096,
            log: 10 << 20,
            deadline: Duration::from_secs(14_400),
        }
    }
}

impl Limits {
    /// These limits, or what a pack gets by with where that is less: a pack never gets more than the host gives.
    /// `memory` and `log` are bytes.
    #[must_use]
    pub fn at_most(self, memory: Option<u64>, log: Option<u64>) -> Self {
        let less = |given: usize, asked: Option<u64>| {
            asked
                .and_then(|asked| usize::try_from(asked).ok())
                .map_or(given, |asked| asked.min(given))
        };
        Self {
            memory: less(self.memory, memory),
            log: less(self.log, log),
            ..self
        }
    }
}

/// Counts memory and refuses growth past the limit with a trap, so that the reason can be told.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    used: usize,
    /// Whether growth was refused.
    pub(crate) exceeded: bool,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            exceeded: false,
        }
    }
}

/// A table of functions may have at most this many entries; no toolchain comes near.
const MAX_TABLE: usize = 1 << 20;

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.limit {
            self.exceeded = true;
            bail!(
                "growth to {used} bytes of memory is past the limit of {}",
                self.limit
            );
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_gets_less_if_it_says_so_and_never_more() {
        let host = Limits::default();
        assert_eq!(host.at_most(None, None), host);
        assert_eq!(host.at_most(Some(1), Some(2)).memory, 1);
        assert_eq!(host.at_most(Some(1), Some(2)).log, 2);
        assert_eq!(host.at_most(Some(u64::MAX), Some(u64::MAX)), host);
    }

    #[test]
    fn all_memories_count_together() {
        let mut meter = Meter::new(100);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(!meter.exceeded);
        assert!(meter.memory_growing(40, 41, None).is_err());
        assert!(meter.exceeded);
    }
}
