//! How a migration fails.

use std::time::Duration;

use super::status::{MigrationPhase, MigrationStatus};
use crate::error::indented;

/// What is wrong with a migration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationProblem {
    /// It failed, or was cancelled by somebody else.
    #[error(
        "it is {phase}; the source says:\n{}\nthe destination says:\n{}{}",
        indented(from_source),
        indented(from_destination),
        said(relay)
    )]
    Failed {
        /// Where it ended.
        phase: MigrationPhase,
        /// The words of the source.
        from_source: String,
        /// The words of the destination.
        from_destination: String,
        /// What the commands between them wrote to their standard error.
        relay: String,
    },
    /// It takes longer than it may, and goes on.
    #[error("it is not over after {} s: {status}", within.as_secs_f32())]
    Late {
        /// How long it was waited for.
        within: Duration,
        /// How far it is.
        status: Box<MigrationStatus>,
    },
    /// It was over before it could be cancelled.
    #[error("it could not be cancelled, it is {phase} already")]
    NotCancelled {
        /// Where it ended.
        phase: MigrationPhase,
    },
    /// The commands between source and destination failed.
    #[error("the commands between source and destination failed: {reason}")]
    Relay {
        /// Which, and what they said.
        reason: String,
    },
    /// The machine has something that cannot go over.
    #[error("{what} cannot migrate: {reason}")]
    Unmovable {
        /// What.
        what: String,
        /// Why, and what to do.
        reason: &'static str,
    },
}

fn said(relay: &str) -> String {
    if relay.is_empty() {
        return String::new();
    }
    format!("\nthe commands between them said:\n{}", indented(relay))
}
