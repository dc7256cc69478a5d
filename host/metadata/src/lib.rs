//! The stable types that other programs read: the events of a job, its results, what `vthost list`
//! prints, and the exit codes.
//!
//! Everything here is plain data with `serde`. The event stream ([`Event`]) is the primary record of a
//! job: it is written to `events.jsonl` first, and every other report is derived from it and from
//! nothing else. Fields are only ever added; a reader must ignore fields and events that it does not know.

mod asset;
mod event;
mod exit;
mod list;
mod readiness;
mod status;

pub use asset::AssetEntry;
pub use event::{
    Event, EventKind, JobFinished, JobInterrupted, JobStarted, LogLevel, LogSource, Phase, SCHEMA,
    TestFinished, TestLog, TestPhase, TestStarted, Timestamp,
};
pub use exit::ExitCode;
pub use list::{DeniedEffect, ListEntry, TestKind};
pub use readiness::{Packages, ReadinessItem, ReadinessState, ReadinessStep};
pub use status::{Counts, Status, UnknownStatus};
