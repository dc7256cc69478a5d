//! How a migration stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phase of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationPhase {
    /// There was none.
    #[default]
    None,
    /// Being set up.
    Setup,
    /// Memory is being sent while the guest runs.
    Active,
    /// The guest runs at the destination, and its memory follows.
    PostcopyActive,
    /// Postcopy has lost its connection.
    PostcopyPaused,
    /// Waits for leave to switch over.
    PreSwitchover,
    /// The guest is stopped; its devices are being sent.
    Device,
    /// Being broken off.
    Cancelling,
    /// Broken off.
    Cancelled,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// A phase that a newer QEMU has brought.
    #[serde(other)]
    Other,
}

impl MigrationPhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Failed)
    }
}

impl fmt::Display for MigrationPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not begun",
            Self::Setup => "being set up",
            Self::Active => "active",
            Self::PostcopyActive => "active in postcopy",
            Self::PostcopyPaused => "paused in postcopy",
            Self::PreSwitchover => "about to switch over",
            Self::Device => "sending devices",
            Self::Cancelling => "being cancelled",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Other => "in an unknown phase",
        })
    }
}

/// How a migration stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MigrationStatus {
    /// Its phase.
    #[serde(rename = "status", default)]
    pub phase: MigrationPhase,
    /// How long it takes, or took, in milliseconds.
    #[serde(default)]
    pub total_time: u64,
    /// How long the guest stood still, in milliseconds. Known at the end.
    #[serde(default)]
    pub downtime: Option<u64>,
    /// How long it would stand still if it were switched over now, in milliseconds.
    #[serde(default)]
    pub expected_downtime: Option<u64>,
    /// The memory.
    #[serde(default)]
    pub ram: MigratedRam,
    /// By how many percent the processors are slowed down, so that it comes to an end (auto-converge).
    #[serde(default)]
    pub cpu_throttle_percentage: Option<u64>,
    /// Why it failed.
    #[serde(rename = "error-desc", default)]
    pub error: Option<String>,
}

/// What became of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MigratedRam {
    /// Bytes sent.
    #[serde(default)]
    pub transferred: u64,
    /// Bytes to be sent.
    #[serde(default)]
    pub remaining: u64,
    /// Bytes of memory.
    #[serde(default)]
    pub total: u64,
    /// Pages of zeros, which are not sent.
    #[serde(default)]
    pub duplicate: u64,
    /// Pages sent whole.
    #[serde(default)]
    pub normal: u64,
    /// Pages that the guest writes to, per second.
    #[serde(default)]
    pub dirty_pages_rate: u64,
    /// How often the memory was gone through.
    #[serde(default)]
    pub dirty_sync_count: u64,
    /// Speed in megabits per second.
    #[serde(default)]
    pub mbps: f64,
    /// Pages that the destination asked for (postcopy).
    #[serde(default)]
    pub postcopy_requests: u64,
    /// Bytes sent through multifd channels.
    #[serde(default)]
    pub multifd_bytes: u64,
}

impl fmt::Display for MigrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        let ram = &self.ram;
        write!(
            f,
            "it is {}, {} MiB sent, {} of {} MiB left in pass {}, {} pages dirtied per second, {:.0} Mbit/s",
            self.phase,
            ram.transferred / MIB,
            ram.remaining / MIB,
            ram.total / MIB,
            ram.dirty_sync_count,
            ram.dirty_pages_rate,
            ram.mbps
        )?;
        match self.expected_downtime {
            Some(expected) => write!(f, ", {expected} ms of expected downtime"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_all_phases_are_read() {
        let none: MigrationStatus = serde_json::from_str("{}").expect("nothing yet");
        assert_eq!(none.phase, MigrationPhase::None);
        let future: MigrationStatus =
            serde_json::from_str(r#"{"status": "colo-2"}"#).expect("unknown");
        assert_eq!(future.phase, MigrationPhase::Other);
        let text = r#"{"status": "active", "total-time": 1, "expected-downtime": 300, "setup-time": 2,
            "ram": {"total": 33554432, "postcopy-requests": 0, "dirty-sync-count": 2, "multifd-bytes": 0,
            "transferred": 2097152, "remaining": 1048576, "mbps": 8.4, "page-size": 4096, "normal": 1, "duplicate": 3}}"#;
        let active: MigrationStatus = serde_json::from_str(text).expect("active");
        assert_eq!(
            active.to_string(),
            "it is active, 2 MiB sent, 1 of 32 MiB left in pass 2, 0 pages dirtied per second, 8 Mbit/s, 300 ms of expected downtime"
        );
    }
}
