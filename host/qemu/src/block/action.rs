//! What can be done to several nodes at one point in time.

use serde_json::{Value, json};

use super::bitmap::NewBitmap;
use super::job::BlockJob;
use super::ops::Backup;
use super::status::JobKind;
use crate::error::MachineError;
use crate::machine::Machine;

/// One action of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockAction {
    /// Puts a node that has nothing below it on top of another one.
    Snapshot {
        /// The node that is now the top.
        node: String,
        /// The one that will be.
        overlay: String,
    },
    /// Starts a backup.
    Backup(Backup),
    /// Adds a dirty bitmap.
    BitmapAdd(NewBitmap),
    /// Removes a dirty bitmap.
    BitmapRemove {
        /// The node.
        node: String,
        /// The bitmap.
        name: String,
    },
    /// Takes all marks off.
    BitmapClear {
        /// The node.
        node: String,
        /// The bitmap.
        name: String,
    },
    /// Lets writes be marked again.
    BitmapEnable {
        /// The node.
        node: String,
        /// The bitmap.
        name: String,
    },
    /// Lets no more writes be marked.
    BitmapDisable {
        /// The node.
        node: String,
        /// The bitmap.
        name: String,
    },
    /// Adds the marks of other bitmaps of the node.
    BitmapMerge {
        /// The node.
        node: String,
        /// The bitmap that gets the marks.
        target: String,
        /// Those they come from.
        sources: Vec<String>,
    },
}

impl BlockAction {
    fn to_qmp(&self, job: Option<&BlockJob>) -> (&'static str, Value) {
        let named = |node: &String, name: &String| json!({ "node": node, "name": name });
        match self {
            Self::Snapshot { node, overlay } => (
                "blockdev-snapshot",
                json!({ "node": node, "overlay": overlay }),
            ),
            Self::Backup(backup) => {
                let id = job.map_or("", |job| job.id.as_str());
                ("blockdev-backup", backup.to_qmp(id))
            }
            Self::BitmapAdd(bitmap) => ("block-dirty-bitmap-add", bitmap.to_qmp()),
            Self::BitmapRemove { node, name } => ("block-dirty-bitmap-remove", named(node, name)),
            Self::BitmapClear { node, name } => ("block-dirty-bitmap-clear", named(node, name)),
            Self::BitmapEnable { node, name } => ("block-dirty-bitmap-enable", named(node, name)),
            Self::BitmapDisable { node, name } => ("block-dirty-bitmap-disable", named(node, name)),
            Self::BitmapMerge {
                node,
                target,
                sources,
            } => (
                "block-dirty-bitmap-merge",
                json!({ "node": node, "target": target, "bitmaps": sources }),
            ),
        }
    }
}

impl Machine {
    /// Does all of this at one point in time, or nothing of it. Returns the jobs that it starts, in order. With
    /// `grouped`, the jobs succeed or fail together, too.
    ///
    /// # Errors
    /// [`MachineError::Qmp`]; nothing has been done then.
    pub async fn transaction(
        &self,
        actions: &[BlockAction],
        grouped: bool,
    ) -> Result<Vec<BlockJob>, MachineError> {
        let mut jobs = Vec::new();
        let mut list = Vec::new();
        for action in actions {
            let job = match action {
                BlockAction::Backup(backup) => {
                    let id = backup.job.id.as_deref();
                    Some(BlockJob::new(self, JobKind::Backup, id))
                }
                _ => None,
            };
            let (kind, data) = action.to_qmp(job.as_ref());
            list.push(json!({ "type": kind, "data": data }));
            jobs.extend(job);
        }
        let mut arguments = json!({ "actions": list });
        if grouped {
            arguments["properties"] = json!({ "completion-mode": "grouped" });
        }
        self.command("change the block devices of", "transaction", arguments)
            .await?;
        Ok(jobs)
    }

    pub(super) async fn single(&self, action: BlockAction) -> Result<(), MachineError> {
        self.transaction(&[action], false).await.map(drop)
    }
}
