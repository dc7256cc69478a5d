//! Time budgets.

use std::time::Duration;

use tokio::time::Instant;

/// A clock cannot be asked for later than this.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How long something may take: the moment it ends, and the time for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) deadline: Instant,
    pub(crate) timeout: Duration,
}

impl Limit {
    pub(crate) fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + FOR_EVER);
        Self { deadline, timeout }
    }

    /// The same with an earlier end.
    pub(crate) fn within(self, time: Duration) -> Self {
        let deadline = self.deadline.min(Self::after(time).deadline);
        Self { deadline, ..self }
    }

    pub(crate) fn left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.deadline
    }
}
