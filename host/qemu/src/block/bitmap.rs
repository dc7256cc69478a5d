//! Dirty bitmaps: which parts of a node have been written to.

use serde_json::{Value, json};

use super::action::BlockAction;
use crate::error::MachineError;
use crate::machine::Machine;

/// A dirty bitmap to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBitmap {
    /// The node.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Bytes per mark, a power of two from 512 on. Default: QEMU's choice, mostly 64 KiB.
    pub granularity: Option<u32>,
    /// Store it in the image, which has to be qcow2.
    pub persistent: bool,
    /// Mark no writes before it is enabled.
    pub disabled: bool,
}

impl NewBitmap {
    /// A bitmap that is gone when QEMU is, and marks writes at once.
    #[must_use]
    pub fn new(node: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            name: name.into(),
            granularity: None,
            persistent: false,
            disabled: false,
        }
    }

    pub(super) fn to_qmp(&self) -> Value {
        let mut arguments = json!({
            "node": self.node,
            "name": self.name,
            "persistent": self.persistent,
            "disabled": self.disabled,
        });
        if let Some(granularity) = self.granularity {
            arguments["granularity"] = granularity.into();
        }
        arguments
    }
}

impl Machine {
    /// Adds a dirty bitmap. ([`Machine::block_nodes`] shows it.)
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn add_bitmap(&self, bitmap: NewBitmap) -> Result<(), MachineError> {
        self.single(BlockAction::BitmapAdd(bitmap)).await
    }

    /// Removes a dirty bitmap, also from the image.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if there is none, or if a job uses it.
    pub async fn remove_bitmap(&self, node: &str, name: &str) -> Result<(), MachineError> {
        self.single(BlockAction::BitmapRemove {
            node: node.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    /// Takes all marks off a dirty bitmap.
    ///
    /// # Errors
    /// As [`Machine::remove_bitmap`].
    pub async fn clear_bitmap(&self, node: &str, name: &str) -> Result<(), MachineError> {
        self.single(BlockAction::BitmapClear {
            node: node.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    /// Lets writes be marked, or not.
    ///
    /// # Errors
    /// As [`Machine::remove_bitmap`].
    pub async fn enable_bitmap(
        &self,
        node: &str,
        name: &str,
        enable: bool,
    ) -> Result<(), MachineError> {
        let (node, name) = (node.to_owned(), name.to_owned());
        self.single(if enable {
            BlockAction::BitmapEnable { node, name }
        } else {
            BlockAction::BitmapDisable { node, name }
        })
        .await
    }

    /// Adds the marks of other bitmaps of the same node.
    ///
    /// # Errors
    /// As [`Machine::remove_bitmap`].
    pub async fn merge_bitmaps(
        &self,
        node: &str,
        target: &str,
        sources: &[String],
    ) -> Result<(), MachineError> {
        self.single(BlockAction::BitmapMerge {
            node: node.to_owned(),
            target: target.to_owned(),
            sources: sources.to_vec(),
        })
        .await
    }
}
