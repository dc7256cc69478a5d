//! What is in the drives of a machine.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::MachineError;
use crate::machine::Machine;

/// A drive of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockDevice {
    /// Id of the device; empty if QEMU made it without one.
    pub id: String,
    /// Where QEMU has its backend: the id itself, or a path of its object model.
    pub path: String,
    /// Whether its medium can be changed.
    pub removable: bool,
    /// Whether the guest has locked the tray.
    pub locked: bool,
    /// Whether the tray is open; `None` if it has none.
    pub tray_open: Option<bool>,
    /// `ok`, `failed` or `nospace`; `None` if the device stops at no error.
    pub io_status: Option<String>,
    /// What is in it; `None` if nothing is.
    pub medium: Option<Medium>,
}

/// The image in a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Medium {
    /// Name of its node.
    pub node: String,
    /// The file.
    pub file: String,
    /// QEMU's driver for its format.
    pub driver: String,
    /// Whether the guest cannot write to it.
    pub read_only: bool,
    /// The file below, if it is an overlay.
    pub backing_file: Option<String>,
    /// How many files are below.
    pub backing_depth: u64,
    /// Size of the disk, in bytes.
    pub virtual_size: u64,
    /// Space that the file takes, in bytes, if it is known.
    pub actual_size: Option<u64>,
    /// Its dirty bitmaps.
    pub bitmaps: Vec<Bitmap>,
}

/// A dirty bitmap of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bitmap {
    /// Its name; anonymous ones have none.
    #[serde(default)]
    pub name: Option<String>,
    /// Bytes that are marked.
    pub count: u64,
    /// Bytes per mark.
    pub granularity: u32,
    /// Whether writes are being marked.
    pub recording: bool,
    /// Whether a job uses it.
    pub busy: bool,
    /// Whether it is stored in the image.
    #[serde(default)]
    pub persistent: bool,
    /// Whether what is stored cannot be trusted: it can only be removed.
    #[serde(default)]
    pub inconsistent: bool,
}

/// A node of the block layer: an image, or a layer of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockNode {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// QEMU's driver.
    pub driver: String,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// The file below, if it is an overlay.
    pub backing_file: Option<String>,
    /// Its dirty bitmaps.
    pub bitmaps: Vec<Bitmap>,
    /// A write beyond this many bytes causes `BLOCK_WRITE_THRESHOLD`; 0 for never.
    pub write_threshold: u64,
}

// Only the fields that are used, so that a QEMU that has more is understood.
#[derive(Deserialize)]
struct RawDevice {
    #[serde(default)]
    device: String,
    #[serde(default)]
    qdev: String,
    removable: bool,
    locked: bool,
    tray_open: Option<bool>,
    #[serde(rename = "io-status")]
    io_status: Option<String>,
    inserted: Option<RawNode>,
}

#[derive(Deserialize)]
struct RawNode {
    #[serde(rename = "node-name", default)]
    node: String,
    file: String,
    drv: String,
    ro: bool,
    backing_file: Option<String>,
    #[serde(default)]
    backing_file_depth: u64,
    #[serde(rename = "dirty-bitmaps", default)]
    bitmaps: Vec<Bitmap>,
    #[serde(default)]
    write_threshold: u64,
    image: RawImage,
}

#[derive(Deserialize)]
struct RawImage {
    #[serde(rename = "virtual-size")]
    virtual_size: u64,
    #[serde(rename = "actual-size")]
    actual_size: Option<u64>,
}

/// The id in the path of a device: `/machine/peripheral/<id>`, with `/virtio-backend` behind it for virtio devices.
pub(crate) fn device_id(path: &str) -> &str {
    match path.strip_prefix("/machine/peripheral/") {
        Some(rest) => rest.split('/').next().unwrap_or(rest),
        None if path.starts_with('/') => "",
        None => path,
    }
}

impl Machine {
    /// All drives of the guest, with what is in them.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn block_devices(&self) -> Result<Vec<BlockDevice>, MachineError> {
        let raw: Vec<RawDevice> = self
            .query("ask for the drives of", "query-block", Value::Null)
            .await?;
        Ok(raw.into_iter().map(|raw| self.device(raw)).collect())
    }

    /// One of them, by the id of the device.
    ///
    /// # Errors
    /// [`MachineError::NoSuch`] with the ids there are; [`MachineError::Qmp`].
    pub async fn block_device(&self, id: &str) -> Result<BlockDevice, MachineError> {
        let mut devices = self.block_devices().await?;
        match devices.iter().position(|device| device.id == id) {
            Some(at) => Ok(devices.swap_remove(at)),
            None => Err(MachineError::NoSuch {
                machine: self.name().to_owned(),
                what: "drive",
                name: id.to_owned(),
                known: devices.into_iter().map(|device| device.id).collect(),
            }),
        }
    }

    /// The node in a drive. It changes when a snapshot is taken or a mirror takes its place.
    ///
    /// # Errors
    /// As [`Machine::block_device`]; [`MachineError::NoSuch`] also if nothing is in the drive.
    pub async fn root_node(&self, device: &str) -> Result<String, MachineError> {
        let found = self.block_device(device).await?;
        match found.medium {
            Some(medium) => Ok(medium.node),
            None => Err(MachineError::NoSuch {
                machine: self.name().to_owned(),
                what: "medium in drive",
                name: device.to_owned(),
                known: Vec::new(),
            }),
        }
    }

    /// All nodes of the block layer that have a name.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn block_nodes(&self) -> Result<Vec<BlockNode>, MachineError> {
        let flat = json!({ "flat": true });
        let raw: Vec<RawNode> = self
            .query("ask for the nodes of", "query-named-block-nodes", flat)
            .await?;
        let node = |raw: RawNode| BlockNode {
            file: self.live().handed.real_name(&raw.file),
            name: raw.node,
            driver: raw.drv,
            read_only: raw.ro,
            backing_file: raw.backing_file,
            bitmaps: raw.bitmaps,
            write_threshold: raw.write_threshold,
        };
        Ok(raw.into_iter().map(node).collect())
    }

    fn device(&self, raw: RawDevice) -> BlockDevice {
        let id = match device_id(&raw.qdev) {
            "" => raw.device,
            id => id.to_owned(),
        };
        BlockDevice {
            id,
            path: raw.qdev,
            removable: raw.removable,
            locked: raw.locked,
            tray_open: raw.tray_open,
            io_status: raw.io_status,
            medium: raw.inserted.map(|inserted| Medium {
                file: self.live().handed.real_name(&inserted.file),
                node: inserted.node,
                driver: inserted.drv,
                read_only: inserted.ro,
                backing_file: inserted.backing_file,
                backing_depth: inserted.backing_file_depth,
                virtual_size: inserted.image.virtual_size,
                actual_size: inserted.image.actual_size,
                bitmaps: inserted.bitmaps,
            }),
        }
    }

    /// The file name of a node as QEMU knows it, for [`Machine::take_back`].
    pub(crate) async fn file_of(&self, is: impl Fn(&str) -> bool) -> Option<String> {
        let flat = json!({ "flat": true });
        let answer = self.qmp().execute("query-named-block-nodes", flat).await;
        let nodes: Vec<RawNode> =
            crate::qmp::parse("query-named-block-nodes", answer.ok()?).ok()?;
        let found = nodes.into_iter().find(|node| is(&node.node));
        found.map(|node| node.file)
    }
}

#[cfg(test)]
mod tests {
    use super::device_id;

    #[test]
    fn devices_are_known_by_the_id_in_their_path() {
        assert_eq!(
            device_id("/machine/peripheral/disk1/virtio-backend"),
            "disk1"
        );
        assert_eq!(device_id("/machine/peripheral/cd1"), "cd1");
        assert_eq!(device_id("cd1"), "cd1");
        assert_eq!(device_id("/machine/unattached/device[3]"), "");
        assert_eq!(device_id(""), "");
    }
}
