//! Moving a machine to another QEMU process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use vthost_qemu::migration::{Migration, MigrationOptions, MigrationPhase, Transport};
use vthost_qemu::{Binary, Machine};

use super::Vm;
use crate::error::{chain, machine_kind, monitor_kind};
use crate::job::Said;
use crate::{Error, ErrorKind, Job, Result};

/// The test's own time ends a migration, and its deadline.
const LONG: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a migration may take to begin, when it is to be switched to postcopy.
const BEGIN: Duration = Duration::from_secs(60);

/// How often it is looked at when no event comes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

fn transport(protocol: &str) -> Result<Transport> {
    Ok(match protocol {
        "tcp" => Transport::Tcp,
        "unix" => Transport::Unix,
        "fd" => Transport::Fd,
        // Through a program and back, as `exec:` would do it; a program of the test's choice would run on the host.
        "exec" => Transport::Exec(vec![vec!["cat".to_owned()]]),
        _ => {
            let text =
                format!("`{protocol}` is no protocol; they are `tcp`, `unix`, `exec` and `fd`");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
    })
}

impl Vm {
    /// Begins to move the machine. When the job has ended with status 0 this is the new process.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an unknown protocol, and while another migration goes on; what QEMU said.
    pub async fn start_migration(
        self: &Arc<Self>,
        protocol: &str,
        capabilities: &[String],
        parameters: &[(String, i64)],
    ) -> Result<Job> {
        let source = self.machine()?;
        if self.life().moving.is_some() {
            let text = format!("{} is being migrated already", self.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let options = MigrationOptions {
            transport: transport(protocol)?,
            capabilities: capabilities
                .iter()
                .map(|name| (name.clone(), true))
                .collect(),
            parameters: parameters
                .iter()
                .map(|(name, value)| (name.clone(), (*value).into()))
                .collect(),
            ..MigrationOptions::default()
        };
        let destination = source.start_destination(&self.destination_binary()?).await;
        let destination = Arc::new(destination.map_err(|error| {
            let text = format!("cannot start a second process for {}", self.name);
            Error::caused(ErrorKind::Other, text, error)
        })?);
        let begun = source.migrate(&destination, &options).await;
        let migration = match begun {
            Ok(migration) => migration,
            Err(error) => {
                let failed = self.failed("migrate", error);
                // It is of no more use, and of no interest how it ends.
                let _ = destination.destroy().await;
                return Err(failed);
            }
        };
        self.life().moving = Some(Arc::clone(&destination));
        let vm = Arc::clone(self);
        let name = format!("migration of {}", self.name);
        Ok(Job::task(&name, |cancel, said| async move {
            vm.finish_migration(migration, destination, cancel, said)
                .await
        }))
    }

    /// The QEMU that takes over: `qemu_dst_binary`, or that of the machine.
    fn destination_binary(&self) -> Result<Binary> {
        let path = self.params.get_or("qemu_dst_binary", "").trim();
        if path.is_empty() {
            return Ok(self.hardware.binary.clone());
        }
        let arch = self.hardware.spec.machine.arch();
        Binary::probe_for(arch, Some(Path::new(path))).map_err(|error| {
            let text = "there is no QEMU to migrate to (qemu_dst_binary)";
            Error::caused(ErrorKind::NotFound, text, error)
        })
    }

    async fn finish_migration(
        &self,
        mut migration: Migration,
        destination: Arc<Machine>,
        cancel: CancellationToken,
        said: Said,
    ) -> bool {
        let ended = tokio::select! {
            () = cancel.cancelled() => None,
            ended = migration.wait(LONG) => Some(ended),
        };
        let moved = match ended {
            Some(Ok(status)) => {
                said.line(&status.to_string());
                true
            }
            Some(Err(error)) => {
                said.line(&chain(&error));
                false
            }
            None => {
                match migration.cancel().await {
                    Ok(()) => said.line("the migration was cancelled"),
                    Err(error) => said.line(&chain(&error)),
                }
                false
            }
        };
        let old = {
            let mut life = self.life();
            life.moving = None;
            if moved {
                let old = life.machine.replace(destination);
                life.arrive();
                old
            } else {
                Some(destination)
            }
        };
        if moved {
            self.abandon_sessions();
        }
        if let Some(old) = old
            && let Err(error) = old.destroy().await
        {
            said.line(&chain(&error));
        }
        moved
    }

    /// Lets the guest run on the other side from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if no migration goes on; what QEMU said if it cannot do so.
    pub async fn start_postcopy(&self) -> Result<()> {
        let source = self.machine()?;
        let end = Instant::now() + BEGIN;
        loop {
            let seen = source.qmp().cursor();
            let status = source.migration_status().await;
            let phase = status
                .map_err(|error| self.failed("ask for the migration of", error))?
                .phase;
            if phase == MigrationPhase::Active {
                break;
            }
            let is_over = phase.is_over() || self.life().moving.is_none();
            if is_over || Instant::now() > end {
                let text = format!("no migration of {} goes on: it is {phase}", self.name);
                return Err(Error::new(ErrorKind::Invalid, text));
            }
            // That no event comes is no error: it is looked at again.
            let _ = source.qmp().wait_event("MIGRATION", seen, LOOK_AGAIN).await;
        }
        let switched = source
            .qmp()
            .execute("migrate-start-postcopy", serde_json::Value::Null)
            .await;
        switched.map(drop).map_err(|error| {
            let text = format!("cannot start the postcopy of {}", self.name);
            Error::caused(monitor_kind(&error), text, error)
        })
    }

    /// Ends the process that a machine is being moved to.
    pub(super) async fn destroy_destination(&self) -> Result<()> {
        let moving = self.life().moving.take();
        let Some(destination) = moving else {
            return Ok(());
        };
        let ended = destination.destroy().await;
        ended.map(drop).map_err(|error| {
            let text = format!("cannot end the second process of {}", self.name);
            Error::caused(machine_kind(&error), text, error)
        })
    }
}
