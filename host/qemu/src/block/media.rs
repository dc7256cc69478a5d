//! Removable media: trays and what lies in them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::MachineError;
use crate::machine::Machine;
use crate::spec::DriveFormat;

/// A medium to be put into a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMedium {
    /// The image.
    pub path: PathBuf,
    /// Its format; QEMU never guesses it.
    pub format: DriveFormat,
    /// Refuse writes. A CD-ROM has to be so.
    pub read_only: bool,
}

impl Machine {
    /// Takes out what is in a drive, if anything is, and puts something else in: the tray opens and closes. `force`
    /// opens a tray that the guest has locked.
    ///
    /// # Errors
    /// [`MachineError::File`] if the image cannot be opened; [`MachineError::Qmp`] if the tray is locked: the guest has
    /// been asked to open it, so that a later call may succeed.
    pub async fn change_medium(
        &self,
        device: &str,
        medium: &NewMedium,
        force: bool,
    ) -> Result<(), MachineError> {
        let before = self.medium_file(device).await?;
        let filename = self.hand_over(&medium.path, !medium.read_only).await?;
        let mut arguments = json!({
            "id": device,
            "filename": filename,
            "format": medium.format.driver(),
            "read-only-mode": if medium.read_only { "read-only" } else { "read-write" },
        });
        if force {
            // Older QEMUs know the command without it.
            arguments["force"] = Value::Bool(true);
        }
        let action = format!("change the medium in {device} of");
        let changed = self
            .command(action, "blockdev-change-medium", arguments)
            .await;
        let unused = if changed.is_ok() {
            before
        } else {
            Some(filename)
        };
        if let Some(unused) = unused {
            self.take_back(&unused).await;
        }
        changed.map(drop)
    }

    /// Opens the tray and takes out what is in the drive. `force` does so although the guest has locked it.
    ///
    /// # Errors
    /// [`MachineError::Qmp`], as [`Machine::change_medium`].
    pub async fn eject(&self, device: &str, force: bool) -> Result<(), MachineError> {
        let before = self.medium_file(device).await?;
        let arguments = json!({ "id": device, "force": force });
        self.command(format!("eject {device} of"), "eject", arguments)
            .await?;
        if let Some(before) = before {
            self.take_back(&before).await;
        }
        Ok(())
    }

    /// Opens the tray of a drive. If the guest has locked it and `force` is not given, the guest is asked to open it,
    /// and [`Machine::wait_tray`] tells when it has.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn open_tray(&self, device: &str, force: bool) -> Result<(), MachineError> {
        let arguments = json!({ "id": device, "force": force });
        let action = format!("open the tray of {device} of");
        self.command(action, "blockdev-open-tray", arguments)
            .await
            .map(drop)
    }

    /// Closes the tray of a drive.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn close_tray(&self, device: &str) -> Result<(), MachineError> {
        let arguments = json!({ "id": device });
        let action = format!("close the tray of {device} of");
        self.command(action, "blockdev-close-tray", arguments)
            .await
            .map(drop)
    }

    /// Takes the medium out of a drive whose tray is open.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if the tray is closed.
    pub async fn remove_medium(&self, device: &str) -> Result<(), MachineError> {
        let arguments = json!({ "id": device });
        let action = format!("take the medium out of {device} of");
        self.command(action, "blockdev-remove-medium", arguments)
            .await
            .map(drop)
    }

    /// Puts a node ([`Machine::add_node`]) into an empty drive whose tray is open.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn insert_medium(&self, device: &str, node: &str) -> Result<(), MachineError> {
        let arguments = json!({ "id": device, "node-name": node });
        let action = format!("put {node} into {device} of");
        self.command(action, "blockdev-insert-medium", arguments)
            .await
            .map(drop)
    }

    /// Waits until a tray moves, from a position of [`crate::Qmp::cursor`] on, and tells whether it is open now.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] with a timeout; [`MachineError::Ended`] at once if QEMU ends.
    pub async fn wait_tray(
        &self,
        device: &str,
        since: u64,
        limit: Duration,
    ) -> Result<bool, MachineError> {
        let what = format!("movement of the tray of {device}");
        let moved = self.qmp().wait_map(&what, since, limit, |event| {
            let id = event.data.get("id").and_then(Value::as_str)?;
            let ours = event.name == "DEVICE_TRAY_MOVED" && super::info::device_id(id) == device;
            ours.then(|| event.data.get("tray-open").and_then(Value::as_bool))?
        });
        match moved.await {
            Ok(open) => Ok(open),
            Err(source) => Err(self.explain("await the tray of", source).await),
        }
    }

    async fn medium_file(&self, device: &str) -> Result<Option<String>, MachineError> {
        match self.block_device(device).await?.medium {
            Some(medium) => Ok(self.file_of(|node| node == medium.node).await),
            None => Ok(None),
        }
    }
}
