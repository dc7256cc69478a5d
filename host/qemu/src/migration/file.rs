//! A machine in a file: saved and restored by a migration into, and out of, a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::problem::MigrationProblem;
use super::status::{MigrationPhase, MigrationStatus};
use super::{LOOK_AGAIN, MigrationOptions};
use crate::error::MachineError;
use crate::machine::{Machine, MachineState};
use tokio::time::Instant;

impl Machine {
    /// Writes memory and devices into a new file, through these commands ([`super::Transport::Exec`]; none are needed).
    /// The machine stays as it is, stopped; its images belong to what is in the file now.
    ///
    /// # Errors
    /// [`MachineError::File`] if the file exists or cannot be made; [`MachineError::Migration`]. The file is removed then.
    pub async fn save_state(
        &self,
        path: &Path,
        commands: &[Vec<String>],
        limit: Duration,
    ) -> Result<MigrationStatus, MachineError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            // The memory of a guest is nobody else's business.
            .mode(0o600)
            .open(path)
            .map_err(|source| self.file_error(path, source))?;
        let saved = self.save_into(file, path, commands, limit).await;
        if saved.is_err() {
            let _ = std::fs::remove_file(path);
        }
        saved
    }

    async fn save_into(
        &self,
        file: File,
        path: &Path,
        commands: &[Vec<String>],
        limit: Duration,
    ) -> Result<MigrationStatus, MachineError> {
        self.stop().await?;
        self.prepare_migration(&MigrationOptions {
            // Nobody waits for the guest.
            max_bandwidth: Some(u64::from(u32::MAX)),
            ..MigrationOptions::default()
        })
        .await?;
        let (input, out) = std::io::pipe().map_err(|source| self.file_error(path, source))?;
        let relay = self.relay(commands, input.into(), file.into())?;
        self.take_fd(out.into()).await?;
        let arguments = json!({ "uri": "fd:migration" });
        self.command("save", "migrate", arguments).await?;
        let status = self.migrated(limit).await?;
        relay
            .finish(limit)
            .await
            .map_err(|reason| self.unmoved(MigrationProblem::Relay { reason }))?;
        Ok(status)
    }

    /// Fills this machine, which was started with [`crate::MachineSpec::incoming`], with what [`Machine::save_state`]
    /// wrote. It does afterwards what the saved one did: as that was stopped, it is paused.
    ///
    /// # Errors
    /// [`MachineError::File`] if the file cannot be opened; [`MachineError::Migration`] or [`MachineError::Ended`] if it
    /// does not fit.
    pub async fn restore_state(
        &self,
        path: &Path,
        commands: &[Vec<String>],
        limit: Duration,
    ) -> Result<(), MachineError> {
        let file = File::open(path).map_err(|source| self.file_error(path, source))?;
        self.prepare_migration(&MigrationOptions::default()).await?;
        let (into, output) = std::io::pipe().map_err(|source| self.file_error(path, source))?;
        let relay = self.relay(commands, file.into(), output.into())?;
        self.take_fd(into.into()).await?;
        self.listen("fd:migration").await?;
        let arrived = |state: &MachineState| !matches!(state, MachineState::Migrating);
        self.wait_for_state("restored", limit, arrived).await?;
        relay
            .finish(limit)
            .await
            .map_err(|reason| self.unmoved(MigrationProblem::Relay { reason }))
    }

    /// Waits for the end of a migration that has no destination to look after.
    async fn migrated(&self, limit: Duration) -> Result<MigrationStatus, MachineError> {
        let deadline = Instant::now() + limit;
        loop {
            let seen = self.qmp().cursor();
            let status = self.migration_status().await?;
            if status.phase == MigrationPhase::Completed {
                return Ok(status);
            }
            if status.phase.is_over() {
                return Err(self.unmoved(MigrationProblem::Failed {
                    phase: status.phase,
                    from_source: status.error.unwrap_or_default(),
                    from_destination: String::new(),
                    relay: String::new(),
                }));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let status = Box::new(status);
                let within = limit;
                return Err(self.unmoved(MigrationProblem::Late { within, status }));
            }
            // Its end is seen by the next look.
            let _ = self
                .qmp()
                .wait_map("end of the saving", seen, left.min(LOOK_AGAIN), |event| {
                    (event.name == "MIGRATION").then_some(())
                })
                .await;
        }
    }

    fn unmoved(&self, problem: MigrationProblem) -> MachineError {
        MachineError::Migration {
            machine: self.name().to_owned(),
            problem: Box::new(problem),
        }
    }

    fn file_error(&self, path: &Path, source: std::io::Error) -> MachineError {
        MachineError::File {
            path: path.to_owned(),
            source,
        }
    }
}
