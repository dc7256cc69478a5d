//! Snapshots: overlays that are put on top while the guest runs, and whole machines saved inside of their images.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::BlockAction;
use super::job::BlockJob;
use super::node::{Backing, NewNode};
use super::status::JobKind;
use crate::error::MachineError;
use crate::machine::Machine;
use crate::spec::{Cache, DriveFormat};

/// A qcow2 overlay to be put on top of a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The drive.
    pub device: String,
    /// Name of the new node: a letter, then letters, digits, `.`, `_` and `-`, at most 31 in all.
    pub node: String,
    /// The file to be made; it must not exist.
    pub path: PathBuf,
}

/// A machine saved in its images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InternalSnapshot {
    /// Its name.
    pub name: String,
    /// Size of the saved memory and devices, in bytes.
    pub vm_state_size: u64,
}

#[derive(Deserialize)]
struct RawNode {
    #[serde(rename = "node-name", default)]
    node: String,
    image: RawImage,
}

#[derive(Deserialize)]
struct RawImage {
    #[serde(default)]
    snapshots: Vec<RawSnapshot>,
}

#[derive(Deserialize)]
struct RawSnapshot {
    name: String,
    #[serde(rename = "vm-state-size", default)]
    vm_state_size: u64,
}

impl Machine {
    /// Freezes the images of these drives as they are, all at the same moment: each gets a new overlay, which takes the
    /// writes from now on. Returns the nodes that are frozen, in the same order.
    ///
    /// # Errors
    /// [`MachineError::NoSuch`] for an unknown or empty drive; [`MachineError::File`] if an overlay exists or cannot be
    /// made; [`MachineError::Qmp`]. Nothing has changed then.
    pub async fn live_snapshot(&self, overlays: &[Overlay]) -> Result<Vec<String>, MachineError> {
        let mut made = Vec::new();
        let taken = self.take_snapshot(overlays, &mut made).await;
        if taken.is_err() {
            for overlay in &made {
                // It may not have come as far as the node.
                let _ = self.delete_node(&overlay.node).await;
                let _ = std::fs::remove_file(&overlay.path);
            }
        }
        taken
    }

    async fn take_snapshot<'a>(
        &self,
        overlays: &'a [Overlay],
        made: &mut Vec<&'a Overlay>,
    ) -> Result<Vec<String>, MachineError> {
        let mut frozen = Vec::new();
        let mut actions = Vec::new();
        for overlay in overlays {
            let device = self.block_device(&overlay.device).await?;
            let Some(below) = device.medium else {
                return Err(MachineError::NoSuch {
                    machine: self.name().to_owned(),
                    what: "medium in drive",
                    name: overlay.device.clone(),
                    known: Vec::new(),
                });
            };
            let node = NewNode {
                cache: Cache::Writeback,
                backing: Backing::None,
                ..NewNode::new(&overlay.node, &overlay.path, DriveFormat::Qcow2)
            };
            let header = (below.file.as_str(), below.driver.as_str());
            self.create_image(&node, below.virtual_size, Some(header))
                .await?;
            made.push(overlay);
            self.add_node(&node).await?;
            actions.push(BlockAction::Snapshot {
                node: below.node.clone(),
                overlay: overlay.node.clone(),
            });
            frozen.push(below.node);
        }
        self.transaction(&actions, false).await?;
        Ok(frozen)
    }

    /// The same for one drive by QEMU's older command, which makes the overlay itself; it has to lie in the run
    /// directory.
    ///
    /// # Errors
    /// As [`Machine::live_snapshot`].
    pub async fn live_snapshot_sync(&self, overlay: &Overlay) -> Result<String, MachineError> {
        let node = self.root_node(&overlay.device).await?;
        let arguments = json!({
            "node-name": node,
            "snapshot-file": overlay.path,
            "snapshot-node-name": overlay.node,
            "format": "qcow2",
            "mode": "absolute-paths",
        });
        let action = format!("take a snapshot of {} of", overlay.device);
        self.command(action, "blockdev-snapshot-sync", arguments)
            .await?;
        Ok(node)
    }

    /// Saves memory, devices and disks under this name inside of the images, which have to be qcow2. Needs a node for
    /// the memory: the first writable drive. The machine is paused meanwhile, and then does what it did.
    ///
    /// # Errors
    /// [`MachineError::Job`] from [`BlockJob::wait`] if the images cannot take it; [`MachineError::NoSuch`] without a
    /// writable drive.
    pub async fn save_snapshot(&self, name: &str) -> Result<BlockJob, MachineError> {
        let (first, nodes) = self.writable_nodes().await?;
        let arguments =
            |id: &str| json!({ "job-id": id, "tag": name, "vmstate": first, "devices": nodes });
        let kind = JobKind::SnapshotSave;
        BlockJob::start(self, kind, None, "snapshot-save", arguments).await
    }

    /// Puts the machine back to what was saved under this name. A running machine goes on from there; a paused one stays
    /// paused.
    ///
    /// # Errors
    /// As [`Machine::save_snapshot`].
    pub async fn load_snapshot(&self, name: &str) -> Result<BlockJob, MachineError> {
        let (first, nodes) = self.writable_nodes().await?;
        let arguments =
            |id: &str| json!({ "job-id": id, "tag": name, "vmstate": first, "devices": nodes });
        let kind = JobKind::SnapshotLoad;
        BlockJob::start(self, kind, None, "snapshot-load", arguments).await
    }

    /// Deletes what was saved under this name.
    ///
    /// # Errors
    /// As [`Machine::save_snapshot`].
    pub async fn delete_snapshot(&self, name: &str) -> Result<BlockJob, MachineError> {
        let (_, nodes) = self.writable_nodes().await?;
        let arguments = |id: &str| json!({ "job-id": id, "tag": name, "devices": nodes });
        let kind = JobKind::SnapshotDelete;
        BlockJob::start(self, kind, None, "snapshot-delete", arguments).await
    }

    /// The machines saved in the images of its drives, as the first writable drive knows them.
    ///
    /// # Errors
    /// As [`Machine::save_snapshot`].
    pub async fn snapshots(&self) -> Result<Vec<InternalSnapshot>, MachineError> {
        let (first, _) = self.writable_nodes().await?;
        let nodes: Vec<RawNode> = self
            .query(
                "ask for the snapshots of",
                "query-named-block-nodes",
                Value::Null,
            )
            .await?;
        let ours = nodes.into_iter().filter(|node| node.node == first);
        let snapshots = ours.flat_map(|node| node.image.snapshots);
        Ok(snapshots
            .map(|raw| InternalSnapshot {
                name: raw.name,
                vm_state_size: raw.vm_state_size,
            })
            .collect())
    }

    /// The nodes of all drives that the guest can write to, and the first of them.
    async fn writable_nodes(&self) -> Result<(String, Vec<String>), MachineError> {
        let devices = self.block_devices().await?;
        let media = devices.into_iter().filter_map(|device| device.medium);
        let writable = media.filter(|medium| !medium.read_only);
        let nodes: Vec<String> = writable.map(|medium| medium.node).collect();
        match nodes.first() {
            Some(first) => Ok((first.clone(), nodes)),
            None => Err(MachineError::NoSuch {
                machine: self.name().to_owned(),
                what: "drive that can take",
                name: "a snapshot".to_owned(),
                known: Vec::new(),
            }),
        }
    }
}
