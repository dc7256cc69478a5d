//! Nodes offered to others over NBD, on a socket in the run directory.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::MachineError;
use crate::machine::Machine;

/// The longest path of a UNIX socket.
const SOCKET_PATH_MAX: usize = 107;

/// A node to be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NbdExport {
    /// Id of the export.
    pub id: String,
    /// The node.
    pub node: String,
    /// The name that clients ask for. Default: the node's.
    pub name: Option<String>,
    /// Let clients write.
    pub writable: bool,
    /// Dirty bitmaps of the node that clients can read.
    pub bitmaps: Vec<String>,
}

/// A node that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Id of the export.
    pub id: String,
    /// The node.
    #[serde(rename = "node-name")]
    pub node: String,
    /// Whether it is about to go.
    #[serde(rename = "shutting-down")]
    pub shutting_down: bool,
}

/// How an export ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StopExport {
    /// Not while a client is connected.
    Safe,
    /// Whatever clients do.
    Hard,
}

impl Machine {
    /// Starts the NBD server of the machine. Returns its socket, for `nbd+unix:///<name>?socket=<path>`.
    ///
    /// # Errors
    /// [`MachineError::Argument`] if the run directory is too long for a socket; [`MachineError::Qmp`] if the server runs
    /// already.
    pub async fn start_nbd(&self) -> Result<PathBuf, MachineError> {
        let socket = self.paths().nbd_socket(self.name());
        if socket.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(MachineError::Argument {
                what: "path of the NBD socket",
                value: socket.display().to_string(),
                rule: "a socket has a path of at most 107 bytes; use a shorter run directory"
                    .into(),
            });
        }
        let address = json!({ "type": "unix", "data": { "path": socket } });
        let arguments = json!({ "addr": address });
        self.command("start the NBD server of", "nbd-server-start", arguments)
            .await?;
        Ok(socket)
    }

    /// Offers a node. The server has to run.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn add_export(&self, export: &NbdExport) -> Result<(), MachineError> {
        let mut arguments = json!({
            "type": "nbd",
            "id": export.id,
            "node-name": export.node,
            "writable": export.writable,
        });
        if let Some(name) = &export.name {
            arguments["name"] = name.clone().into();
        }
        if !export.bitmaps.is_empty() {
            arguments["bitmaps"] = json!(export.bitmaps);
        }
        let action = format!("export node {} of", export.node);
        self.command(action, "block-export-add", arguments)
            .await
            .map(drop)
    }

    /// The nodes that are offered.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn exports(&self) -> Result<Vec<Export>, MachineError> {
        self.query("ask for the exports of", "query-block-exports", Value::Null)
            .await
    }

    /// Ends an export, and waits until it is gone.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if there is none, if a client is connected ([`StopExport::Safe`]), or after `limit`.
    pub async fn remove_export(
        &self,
        id: &str,
        how: StopExport,
        limit: Duration,
    ) -> Result<(), MachineError> {
        let since = self.qmp().cursor();
        let arguments = json!({ "id": id, "mode": how });
        let action = format!("end export {id} of");
        self.command(action, "block-export-del", arguments).await?;
        let gone = self
            .qmp()
            .wait_event_where("BLOCK_EXPORT_DELETED", since, limit, |event| {
                event.data["id"] == id
            });
        match gone.await {
            Ok(_) => Ok(()),
            Err(source) => Err(self.explain("await the end of an export of", source).await),
        }
    }

    /// Stops the server and ends all its exports.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if it does not run.
    pub async fn stop_nbd(&self) -> Result<(), MachineError> {
        self.command("stop the NBD server of", "nbd-server-stop", Value::Null)
            .await
            .map(drop)
    }
}
