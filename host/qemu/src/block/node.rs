//! Nodes that are added to a running machine.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::job::BlockJob;
use super::status::JobKind;
use crate::error::MachineError;
use crate::machine::Machine;
use crate::spec::{Cache, DriveFormat};

/// How long the empty image of any format may take to be written.
const FORMAT_LIMIT: Duration = Duration::from_secs(60);

/// What lies below an overlay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Backing {
    /// Nothing, whatever the image says. What an image says about other files is not trusted.
    #[default]
    None,
    /// A node that is there already.
    Node(String),
}

/// An image to be added as a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// Name of the node: a letter, then letters, digits, `.`, `_` and `-`, at most 31 in all.
    pub name: String,
    /// The image. It is opened here if it lies outside of the run directory.
    pub path: PathBuf,
    /// Its format.
    pub format: DriveFormat,
    /// Refuse writes.
    pub read_only: bool,
    /// Cache mode.
    pub cache: Cache,
    /// What lies below it.
    pub backing: Backing,
}

impl NewNode {
    /// A writable image with nothing below it and host page cache.
    #[must_use]
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, format: DriveFormat) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            format,
            read_only: false,
            cache: Cache::Writeback,
            backing: Backing::None,
        }
    }

    fn to_qmp(&self, filename: &str) -> Value {
        let cache = json!({ "direct": self.cache.direct(), "no-flush": self.cache.no_flush() });
        let mut node = json!({
            "driver": self.format.driver(),
            "node-name": self.name,
            "read-only": self.read_only,
            "cache": cache,
            "file": {
                "driver": "file",
                "filename": filename,
                "read-only": self.read_only,
                "cache": cache,
            },
        });
        let overlays = matches!(
            self.format,
            DriveFormat::Qcow2 | DriveFormat::Qed | DriveFormat::Vmdk
        );
        if overlays {
            node["backing"] = match &self.backing {
                Backing::None => Value::Null,
                Backing::Node(name) => Value::String(name.clone()),
            };
        }
        node
    }
}

impl Machine {
    /// Adds an image as a node, which no device uses yet.
    ///
    /// # Errors
    /// [`MachineError::File`] if the image cannot be opened, [`MachineError::Qmp`] if QEMU does not take it.
    pub async fn add_node(&self, node: &NewNode) -> Result<(), MachineError> {
        let filename = self.hand_over(&node.path, !node.read_only).await?;
        let action = format!("add node {} to", node.name);
        let added = self
            .command(action, "blockdev-add", node.to_qmp(&filename))
            .await;
        if added.is_err() {
            self.take_back(&filename).await;
        }
        added.map(drop)
    }

    /// Makes a new image of this size (in bytes) with QEMU's own driver, and adds it as a node. The file must not exist.
    ///
    /// # Errors
    /// [`MachineError::File`] if it exists or cannot be made; [`MachineError::Qmp`] or [`MachineError::Job`] if QEMU
    /// cannot write this format. Nothing is left behind then.
    pub async fn create_node(&self, node: &NewNode, size: u64) -> Result<(), MachineError> {
        self.create_image(node, size, None).await?;
        let added = self.add_node(node).await;
        if added.is_err() {
            let _ = std::fs::remove_file(&node.path);
        }
        added
    }

    /// Removes a node that nothing uses.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if there is none, or if it is in use.
    pub async fn delete_node(&self, name: &str) -> Result<(), MachineError> {
        let file = self.file_of(|node| node == name).await;
        let arguments = json!({ "node-name": name });
        let action = format!("delete node {name} of");
        self.command(action, "blockdev-del", arguments).await?;
        if let Some(file) = file {
            self.take_back(&file).await;
        }
        Ok(())
    }

    /// Writes an empty image. `below` is the name and the format of the file that its header names as the one below.
    pub(super) async fn create_image(
        &self,
        node: &NewNode,
        size: u64,
        below: Option<(&str, &str)>,
    ) -> Result<(), MachineError> {
        let failed = |source| MachineError::File {
            path: node.path.clone(),
            source,
        };
        let file = File::create_new(&node.path).map_err(failed)?;
        if node.format == DriveFormat::Raw {
            return file.set_len(size).map_err(failed);
        }
        drop(file);
        let formatted = self.format_image(node, size, below).await;
        if formatted.is_err() {
            let _ = std::fs::remove_file(&node.path);
        }
        formatted
    }

    async fn format_image(
        &self,
        node: &NewNode,
        size: u64,
        below: Option<(&str, &str)>,
    ) -> Result<(), MachineError> {
        let protocol = format!("format_{}", self.live().number());
        let filename = self.hand_over(&node.path, true).await?;
        let arguments = json!({ "driver": "file", "node-name": protocol, "filename": filename });
        let action = format!("format node {} of", node.name);
        let opened = self.command(action, "blockdev-add", arguments).await;
        if let Err(error) = opened {
            self.take_back(&filename).await;
            return Err(error);
        }
        let mut options = json!({ "driver": node.format.driver(), "file": protocol, "size": size });
        if let Some((file, format)) = below {
            options["backing-file"] = file.into();
            options["backing-fmt"] = format.into();
        }
        let formatted = async {
            let arguments = |id: &str| json!({ "job-id": id, "options": options });
            let job = BlockJob::start(self, JobKind::Create, None, "blockdev-create", arguments);
            job.await?.wait(self, FORMAT_LIMIT).await
        };
        let formatted = formatted.await;
        // It was opened for the formatting alone. If it cannot be closed, QEMU has ended.
        let _ = self.delete_node(&protocol).await;
        formatted.map(drop)
    }
}
