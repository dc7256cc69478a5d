//! Moving a machine to another QEMU process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use vthost_qemu::migration::{Migration, MigrationOptions, MigrationPhase, Transport};
use vthost_qemu::spec::Media;
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

/// What QEMU is told beside the protocol: capabilities to switch on, and parameters with their values.
fn options(
    protocol: &str,
    capabilities: &[String],
    parameters: &[(String, i64)],
) -> Result<MigrationOptions> {
    Ok(MigrationOptions {
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
        let source = self.machine_to_move()?;
        let options = options(protocol, capabilities, parameters)?;
        let destination = source.start_destination(&self.destination_binary()?).await;
        let destination = Arc::new(destination.map_err(|error| {
            let text = format!("cannot start a second process for {}", self.name);
            Error::caused(ErrorKind::Other, text, error)
        })?);
        self.begin_migration(&source, destination, None, &options)
            .await
    }

    /// Begins to move the guest to a machine that waits for it (`migration_mode`). When the job has ended with status 0
    /// the guest is there, and this machine is off; if it ends otherwise, the other one is off.
    ///
    /// # Errors
    /// As [`Vm::start_migration`]; [`ErrorKind::Invalid`] if the other machine does not wait for a migration, or has
    /// other images in its drives than this one.
    pub async fn start_migration_to(
        self: &Arc<Self>,
        other: &Arc<Self>,
        protocol: &str,
        capabilities: &[String],
        parameters: &[(String, i64)],
    ) -> Result<Job> {
        let source = self.machine_to_move()?;
        let options = options(protocol, capabilities, parameters)?;
        let destination = other.machine()?;
        let wanted = source.destination_spec().await;
        let wanted = wanted.map_err(|error| self.failed("migrate", error))?;
        for drive in wanted.drives.iter().filter(|d| d.media == Media::Disk) {
            let mut theirs = destination.spec().drives.iter();
            if !theirs.any(|their| their.id == drive.id && their.path == drive.path) {
                let text = format!(
                    "{} does not have what is in the drive {} of {}: it gets that if it is made with the same image, after {} (the order of `vms`)",
                    other.name, drive.id, self.name, self.name
                );
                return Err(Error::new(ErrorKind::Invalid, text));
            }
        }
        other.expect_guest()?;
        self.begin_migration(&source, destination, Some(Arc::clone(other)), &options)
            .await
    }

    /// The process that is to be left.
    fn machine_to_move(&self) -> Result<Arc<Machine>> {
        let source = self.machine()?;
        if self.life().moving.is_some() {
            let text = format!("{} is being migrated already", self.name);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(source)
    }

    /// Says that somebody migrates to this machine, which nobody else can do then.
    fn expect_guest(&self) -> Result<()> {
        if !self.hardware.asked.incoming || std::mem::replace(&mut self.life().is_expecting, true) {
            let name = &self.name;
            let text = format!(
                "{name} does not wait for a migration; `migration_mode_{name} = tcp` makes it do so, once each time it is started"
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(())
    }

    /// Begins to migrate to a process, which is another machine's or will be this one's.
    async fn begin_migration(
        self: &Arc<Self>,
        source: &Arc<Machine>,
        destination: Arc<Machine>,
        other: Option<Arc<Self>>,
        options: &MigrationOptions,
    ) -> Result<Job> {
        let begun = source.migrate(&destination, options).await;
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
            vm.finish_migration(migration, other, cancel, said).await
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
        other: Option<Arc<Self>>,
        cancel: CancellationToken,
        said: Said,
    ) -> bool {
        let (source, destination) = (
            Arc::clone(migration.source()),
            Arc::clone(migration.destination()),
        );
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
        self.life().moving = None;
        let old = if moved {
            self.abandon_sessions();
            match &other {
                Some(other) => other.life().arrive(),
                None => {
                    let mut life = self.life();
                    life.machine = Some(destination);
                    life.arrive();
                }
            }
            source
        } else {
            destination
        };
        if let Err(error) = old.destroy().await {
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
