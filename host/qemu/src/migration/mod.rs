//! Migration of a running machine to another QEMU on this host.
//!
//! The destination is a clone: [`Machine::start_destination`] starts it from what the source is made of now, waiting. Both
//! use the same images; QEMU keeps the destination from touching them before the source has let go. The name goes over;
//! the ports of the host that lead into the guest are new ones ([`Machine::forwards`] of the destination), and the logs go
//! on in files of their own ([`crate::Paths::successor`]): `serial-vm1@1.log` after `serial-vm1.log`.
//!
//! QEMU starts no programs here, so that `exec:` is done from outside: the host starts the commands and gives both QEMUs
//! an end of the pipe.

mod clone;
mod file;
mod incoming;
mod options;
mod problem;
mod relay;
mod status;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::{MachineError, QmpError};
use crate::machine::{Machine, MachineState};
pub use options::{MigrationOptions, Transport};
pub use problem::MigrationProblem;
use relay::Relay;
pub use status::{MigrationPhase, MigrationStatus};

/// How long the destination may take to go on once the source has sent everything, and the commands between them to end.
const SETTLE: Duration = Duration::from_secs(30);

/// How long it may take until the source has noticed that it was cancelled.
const CANCEL: Duration = Duration::from_secs(30);

/// Not every step comes with an event, so the state is asked for again after this time without one.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A migration that was started. It goes on whether or not anybody waits, but dropping it ends the commands of
/// [`Transport::Exec`].
#[derive(Debug)]
pub struct Migration {
    source: Arc<Machine>,
    destination: Arc<Machine>,
    since: u64,
    begun: Instant,
    relay: Option<Relay>,
}

impl Machine {
    /// Begins to migrate to a machine from [`Machine::start_destination`]. The guest goes on meanwhile.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if one of the two refuses the options or the transport; [`MachineError::Migration`] if the
    /// commands of [`Transport::Exec`] cannot be started. The source runs on then, the destination is of no more use.
    pub async fn migrate(
        self: &Arc<Self>,
        destination: &Arc<Self>,
        options: &MigrationOptions,
    ) -> Result<Migration, MachineError> {
        destination.prepare_migration(options).await?;
        self.prepare_migration(options).await?;
        let (uri, relay) = self.connect(destination, &options.transport).await?;
        let since = self.qmp().cursor();
        self.command("migrate", "migrate", json!({ "uri": uri }))
            .await?;
        Ok(Migration {
            source: Arc::clone(self),
            destination: Arc::clone(destination),
            since,
            begun: Instant::now(),
            relay,
        })
    }

    /// How the migration from or to this machine stands.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn migration_status(&self) -> Result<MigrationStatus, MachineError> {
        self.query("ask for the migration of", "query-migrate", Value::Null)
            .await
    }

    /// Switches capabilities and sets parameters on one side.
    async fn prepare_migration(&self, options: &MigrationOptions) -> Result<(), MachineError> {
        let action = "prepare the migration of";
        let capabilities = options.capabilities();
        self.command(action, "migrate-set-capabilities", capabilities)
            .await?;
        if let Some(parameters) = options.parameters() {
            self.set_migration_parameters(parameters).await?;
        }
        Ok(())
    }

    /// Changes parameters of the migration, also while it runs: the names and units of QEMU's
    /// `migrate-set-parameters`, such as `max-bandwidth` (bytes per second) or `downtime-limit` (milliseconds).
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn set_migration_parameters(&self, parameters: Value) -> Result<(), MachineError> {
        let action = "set the migration parameters of";
        self.command(action, "migrate-set-parameters", parameters)
            .await
            .map(drop)
    }
}

impl Migration {
    /// The machine that is left.
    #[must_use]
    pub fn source(&self) -> &Arc<Machine> {
        &self.source
    }

    /// The machine that takes over.
    #[must_use]
    pub fn destination(&self) -> &Arc<Machine> {
        &self.destination
    }

    /// How it stands, as the source sees it.
    ///
    /// # Errors
    /// [`MachineError::Qmp`].
    pub async fn status(&self) -> Result<MigrationStatus, MachineError> {
        self.source.migration_status().await
    }

    /// Waits until the guest is over there: the source has sent everything and is stopped, the destination has taken
    /// everything and does what the source did. The source is not ended; [`Migration::finish`] does that as well.
    ///
    /// # Errors
    /// [`MachineError::Migration`] with what both sides say if it fails, or with how far it is if it takes longer than
    /// `limit` (it goes on then); [`MachineError::Ended`] at once if the source ends.
    pub async fn wait(&mut self, limit: Duration) -> Result<MigrationStatus, MachineError> {
        let status = self.reach(limit, MigrationPhase::is_over).await?;
        if status.phase != MigrationPhase::Completed {
            return Err(self.failure(&status).await);
        }
        self.settle().await?;
        if let Some(relay) = self.relay.take() {
            relay
                .finish(SETTLE)
                .await
                .map_err(|reason| self.problem(MigrationProblem::Relay { reason }))?;
        }
        Ok(status)
    }

    /// Waits like [`Migration::wait`], ends the source, and returns the machine that took over.
    ///
    /// # Errors
    /// As [`Migration::wait`]; [`MachineError::StillRunning`] if the source does not end.
    pub async fn finish(
        mut self,
        limit: Duration,
    ) -> Result<(Arc<Machine>, MigrationStatus), MachineError> {
        let status = self.wait(limit).await?;
        self.source.destroy().await?;
        Ok((self.destination, status))
    }

    /// Waits until the source is in a phase for which `wanted` is true, or the migration is over.
    ///
    /// # Errors
    /// As [`Migration::wait`].
    pub async fn reach(
        &self,
        limit: Duration,
        wanted: impl Fn(MigrationPhase) -> bool,
    ) -> Result<MigrationStatus, MachineError> {
        loop {
            let seen = self.source.qmp().cursor();
            let status = self.status().await?;
            if wanted(status.phase) || status.phase.is_over() {
                return Ok(status);
            }
            // The source does not notice the end of a destination that it has no connection to yet. One that is
            // cancelled ends by itself, often before the source has said so.
            if status.phase != MigrationPhase::Cancelling && self.destination.exit().is_some() {
                return Err(self.failure(&status).await);
            }
            let left = limit.saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                let within = limit;
                let status = Box::new(status);
                return Err(self.problem(MigrationProblem::Late { within, status }));
            }
            // Its end, by a time limit or because QEMU has ended, is seen by the next look.
            let what = "step of the migration";
            let _ = self
                .source
                .qmp()
                .wait_map(what, seen, left.min(LOOK_AGAIN), |event| {
                    (event.name == "MIGRATION").then_some(())
                })
                .await;
        }
    }

    /// Lets the guest go on at the destination at once; its memory follows as it is needed. Needs
    /// [`MigrationOptions::postcopy`]. Returns when the source has handed over.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] if postcopy is not switched on; as [`Migration::wait`].
    pub async fn start_postcopy(&self, limit: Duration) -> Result<(), MachineError> {
        // Before it is active there is nothing that could be switched.
        let active = |phase| phase == MigrationPhase::Active;
        let status = self.reach(limit, active).await?;
        if status.phase == MigrationPhase::Active {
            let action = "start the postcopy of";
            self.source
                .command(action, "migrate-start-postcopy", Value::Null)
                .await?;
        }
        let postcopy = |phase| phase == MigrationPhase::PostcopyActive;
        let status = self.reach(limit, postcopy).await?;
        match status.phase {
            MigrationPhase::Failed | MigrationPhase::Cancelled => Err(self.failure(&status).await),
            _ => Ok(()),
        }
    }

    /// Breaks it off. The guest goes on at the source; the destination is of no more use, and the caller ends it.
    ///
    /// # Errors
    /// [`MachineError::Migration`] if it could not be cancelled any more.
    pub async fn cancel(self) -> Result<(), MachineError> {
        self.source
            .command("cancel the migration of", "migrate_cancel", Value::Null)
            .await?;
        let limit = self.begun.elapsed() + CANCEL;
        let status = self.reach(limit, MigrationPhase::is_over).await?;
        if status.phase == MigrationPhase::Cancelled {
            return Ok(());
        }
        let phase = status.phase;
        Err(self.problem(MigrationProblem::NotCancelled { phase }))
    }

    /// Waits until the destination has taken over what the source has sent.
    async fn settle(&self) -> Result<(), MachineError> {
        let arrived = |state: &MachineState| !matches!(state, MachineState::Migrating);
        let arrival = self
            .destination
            .wait_for_state("past the migration", SETTLE, arrived)
            .await;
        match arrival {
            Ok(MachineState::Exited(_)) | Err(_) => {
                let status = self.status().await?;
                Err(self.failure(&status).await)
            }
            Ok(_) => Ok(()),
        }
    }

    /// What both sides say about a failure.
    async fn failure(&self, status: &MigrationStatus) -> MachineError {
        let mut source = status.error.clone().unwrap_or_default();
        if source.is_empty() {
            source = format!("nothing more than {}", status.phase);
        }
        let destination = match self.destination.migration_status().await {
            Ok(status) => match status.error {
                Some(error) => error,
                None => format!("nothing more than {}", status.phase),
            },
            Err(error) => match error.qmp() {
                Some(QmpError::Command { desc, .. }) => desc.clone(),
                _ => error.to_string(),
            },
        };
        let relay = self.relay.as_ref().map(Relay::said).unwrap_or_default();
        self.problem(MigrationProblem::Failed {
            phase: status.phase,
            from_source: source,
            from_destination: destination,
            relay,
        })
    }

    fn problem(&self, problem: MigrationProblem) -> MachineError {
        MachineError::Migration {
            machine: self.source.name().to_owned(),
            problem: Box::new(problem),
        }
    }

    /// The events of the source since the beginning.
    #[must_use]
    pub fn events(&self) -> Vec<crate::Event> {
        self.source.qmp().events_since(self.since)
    }
}
