//! Size, limits and statistics of drives.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::info::device_id;
use crate::error::MachineError;
use crate::machine::Machine;

/// Limits of a drive; 0 is no limit. The sum for both directions excludes limits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Throttle {
    /// Bytes per second.
    pub bps: u64,
    /// Bytes read per second.
    pub bps_rd: u64,
    /// Bytes written per second.
    pub bps_wr: u64,
    /// Requests per second.
    pub iops: u64,
    /// Reads per second.
    pub iops_rd: u64,
    /// Writes per second.
    pub iops_wr: u64,
}

/// What a drive has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlockStats {
    /// Bytes read.
    pub rd_bytes: u64,
    /// Bytes written.
    pub wr_bytes: u64,
    /// Reads.
    pub rd_operations: u64,
    /// Writes.
    pub wr_operations: u64,
    /// Flushes.
    pub flush_operations: u64,
    /// Time spent reading, in nanoseconds.
    pub rd_total_time_ns: u64,
    /// Time spent writing, in nanoseconds.
    pub wr_total_time_ns: u64,
    /// Reads that failed.
    pub failed_rd_operations: u64,
    /// Writes that failed.
    pub failed_wr_operations: u64,
}

/// A write went beyond the threshold of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteThreshold {
    /// The threshold, in bytes from the beginning.
    #[serde(rename = "write-threshold")]
    pub threshold: u64,
    /// By how many bytes it was exceeded.
    #[serde(rename = "amount-exceeded")]
    pub exceeded: u64,
}

#[derive(Deserialize)]
struct RawStats {
    #[serde(default)]
    device: String,
    #[serde(default)]
    qdev: String,
    stats: BlockStats,
}

impl Machine {
    /// Makes the disk of a node larger or smaller, in bytes; the guest is told.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn resize_node(&self, node: &str, size: u64) -> Result<(), MachineError> {
        let arguments = json!({ "node-name": node, "size": size });
        let action = format!("resize node {node} of");
        self.command(action, "block_resize", arguments)
            .await
            .map(drop)
    }

    /// Limits the speed of a drive; all zero takes the limits away.
    ///
    /// # Errors
    /// [`MachineError::NoSuch`]; [`MachineError::Qmp`], also if limits exclude each other.
    pub async fn throttle(&self, device: &str, limits: Throttle) -> Result<(), MachineError> {
        let mut arguments = json!(limits);
        arguments["id"] = self.block_device(device).await?.path.into();
        let action = format!("throttle {device} of");
        self.command(action, "block_set_io_throttle", arguments)
            .await
            .map(drop)
    }

    /// What the drives have done so far, by the id of the device.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn block_stats(&self) -> Result<BTreeMap<String, BlockStats>, MachineError> {
        let raw: Vec<RawStats> = self
            .query("ask for the statistics of", "query-blockstats", Value::Null)
            .await?;
        let named = |raw: RawStats| {
            let id = match device_id(&raw.qdev) {
                "" => raw.device,
                id => id.to_owned(),
            };
            (id, raw.stats)
        };
        Ok(raw.into_iter().map(named).collect())
    }

    /// Counts how long requests of a drive take from now on, in intervals that end at these times (nanoseconds,
    /// rising). The counts are in QEMU's `query-blockstats`. No boundaries end the counting.
    ///
    /// # Errors
    /// [`MachineError::NoSuch`]; [`MachineError::Qmp`].
    pub async fn set_latency_histogram(
        &self,
        device: &str,
        boundaries: &[u64],
    ) -> Result<(), MachineError> {
        let mut arguments = json!({ "id": self.block_device(device).await?.path });
        if !boundaries.is_empty() {
            arguments["boundaries"] = json!(boundaries);
        }
        let action = format!("measure the latency of {device} of");
        self.command(action, "block-latency-histogram-set", arguments)
            .await
            .map(drop)
    }

    /// Asks for an event when a write goes beyond this many bytes from the beginning of a node; 0 for none. It comes
    /// once.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn set_write_threshold(&self, node: &str, bytes: u64) -> Result<(), MachineError> {
        let arguments = json!({ "node-name": node, "write-threshold": bytes });
        let action = format!("set the write threshold of {node} of");
        self.command(action, "block-set-write-threshold", arguments)
            .await
            .map(drop)
    }

    /// Waits for that event, from a position of [`crate::Qmp::cursor`] on.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] with a timeout; [`MachineError::Ended`] at once if QEMU ends.
    pub async fn wait_write_threshold(
        &self,
        node: &str,
        since: u64,
        limit: Duration,
    ) -> Result<WriteThreshold, MachineError> {
        let what = format!("write beyond the threshold of {node}");
        let found = self.qmp().wait_map(&what, since, limit, |event| {
            let ours = event.name == "BLOCK_WRITE_THRESHOLD" && event.data["node-name"] == node;
            ours.then(|| WriteThreshold::deserialize(&event.data).ok())?
        });
        match found.await {
            Ok(found) => Ok(found),
            Err(source) => Err(self.explain("await a write of", source).await),
        }
    }
}
