//! The memory of the guest in a file.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::Machine;
use crate::error::{MachineError, QmpError};

/// How the memory is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DumpFormat {
    /// An ELF core file, as large as the memory.
    #[serde(rename = "elf")]
    Elf,
    /// Compressed, for `crash`.
    #[serde(rename = "kdump-zlib")]
    KdumpZlib,
}

impl Machine {
    /// Writes the memory of the guest into a new file. The guest stands still meanwhile.
    ///
    /// # Errors
    /// [`MachineError::File`] if the file exists or cannot be made; [`MachineError::Qmp`]. No file is left then.
    pub async fn dump_memory(
        &self,
        path: &Path,
        format: DumpFormat,
        limit: Duration,
    ) -> Result<(), MachineError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            // The memory of a guest is nobody else's business.
            .mode(0o600)
            .open(path)
            .map_err(|source| MachineError::File {
                path: path.to_owned(),
                source,
            })?;
        let dumped = match self.dump_into(file.into(), format, limit).await {
            Ok(()) => return Ok(()),
            Err(source) => source,
        };
        let _ = std::fs::remove_file(path);
        Err(self.explain("dump the memory of", dumped).await)
    }

    async fn dump_into(
        &self,
        file: std::os::fd::OwnedFd,
        format: DumpFormat,
        limit: Duration,
    ) -> Result<(), QmpError> {
        let name = format!("dump_{}", self.live.number());
        let qmp = &self.qmp;
        qmp.execute_with_fd("getfd", json!({ "fdname": name }), file)
            .await?;
        let since = qmp.cursor();
        let arguments = json!({
            "paging": false,
            "protocol": format!("fd:{name}"),
            "detach": true,
            "format": format,
        });
        qmp.execute("dump-guest-memory", arguments).await?;
        let event = qmp.wait_event("DUMP_COMPLETED", since, limit).await?;
        match event.data.get("error").and_then(Value::as_str) {
            None => Ok(()),
            Some(error) => Err(QmpError::Command {
                command: "dump-guest-memory".to_owned(),
                class: "GenericError".to_owned(),
                desc: error.to_owned(),
            }),
        }
    }
}
