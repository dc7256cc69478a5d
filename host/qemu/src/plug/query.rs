//! What a machine has, as QEMU tells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::MachineError;
use crate::machine::Machine;

/// A place for a processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VcpuSlot {
    /// The device that fits there.
    #[serde(rename = "type")]
    pub driver: String,
    /// The place: `socket-id`, `core-id`, `thread-id`, and so on.
    pub props: BTreeMap<String, u32>,
    /// Where the processor is that is there; `None` if the place is free.
    #[serde(rename = "qom-path", default)]
    pub path: Option<String>,
}

/// How much memory a machine has, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryInfo {
    /// What it had at the start.
    #[serde(rename = "base-memory")]
    pub base: u64,
    /// What is plugged in.
    #[serde(rename = "plugged-memory", default)]
    pub plugged: u64,
}

#[derive(Deserialize)]
struct Property {
    name: String,
}

impl Machine {
    /// All places for processors, taken and free.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn vcpu_slots(&self) -> Result<Vec<VcpuSlot>, MachineError> {
        let action = "ask for the processors of";
        self.query(action, "query-hotpluggable-cpus", Value::Null)
            .await
    }

    /// How much memory the machine has.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn memory_info(&self) -> Result<MemoryInfo, MachineError> {
        let action = "ask for the memory of";
        self.query(action, "query-memory-size-summary", Value::Null)
            .await
    }

    /// Ids of all devices that have one.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn device_ids(&self) -> Result<Vec<String>, MachineError> {
        let path = json!({ "path": "/machine/peripheral" });
        let properties: Vec<Property> = self
            .query("ask for the devices of", "qom-list", path)
            .await?;
        let names = properties.into_iter().map(|property| property.name);
        // The folder itself has a property, too.
        Ok(names.filter(|name| name != "type").collect())
    }

    /// Whether QEMU has this device, and it works.
    pub(super) async fn is_realized(&self, id: &str) -> Result<bool, MachineError> {
        if !self.device_ids().await?.iter().any(|known| known == id) {
            return Ok(false);
        }
        let property =
            json!({ "path": format!("/machine/peripheral/{id}"), "property": "realized" });
        let realized = self
            .command("look at a device of", "qom-get", property)
            .await?;
        Ok(realized == Value::Bool(true))
    }
}
