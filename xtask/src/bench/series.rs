//! Times of one measure.

use std::time::Duration;

/// Times of one measure in seconds, in order.
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Of seconds, in any order.
    pub(crate) fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_unstable_by(f64::total_cmp);
        Self(seconds)
    }

    /// Of durations, in any order.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        Self::new(times.into_iter().map(|time| time.as_secs_f64()).collect())
    }

    /// The best one.
    pub(crate) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(0.0)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[f64] {
        &self.0
    }
}

impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "min {:.3} s, median {:.3} s", self.min(), self.median())
    }
}
