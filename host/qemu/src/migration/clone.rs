//! The machine that takes over.

use super::problem::MigrationProblem;
use crate::binary::Binary;
use crate::error::{MachineError, StartError};
use crate::machine::Machine;
use crate::spec::{DriveFormat, MachineSpec, Netdev};

impl Machine {
    /// What a machine has to be made of to take over from this one: its specification, waiting for a migration, with the
    /// images that are in its drives now. Ports of the host that were chosen by number are left to the kernel, since this
    /// machine still has them.
    ///
    /// # Errors
    /// [`MachineError::Migration`] if a drive throws its writes away: nobody else could see them;
    /// [`MachineError::Qmp`].
    pub async fn destination_spec(&self) -> Result<MachineSpec, MachineError> {
        let mut spec = self.spec().clone();
        spec.incoming = true;
        let Some((changes, plugged)) = self.live().plugs.changes().await else {
            return Err(self.unmovable(
                "the user-mode network".to_owned(),
                "an interface was unplugged that came before another, and QEMU would mix up the two; unplug the later one as well, or plug both again",
            ));
        };
        for nic in &mut spec.nics {
            match &mut nic.netdev {
                Netdev::User { forwards, .. } => {
                    if changes.removed.contains(&nic.id) {
                        forwards.clear();
                    }
                    forwards.iter_mut().for_each(|forward| forward.host = None);
                }
                // This machine has the tap of that name open.
                Netdev::Tap { ifname, .. } => *ifname = None,
                _ => {}
            }
        }
        for drive in &mut spec.drives {
            if changes.removed.contains(&drive.id) {
                continue;
            }
            if drive.snapshot {
                return Err(self.unmovable(
                    format!("drive {}", drive.id),
                    "it throws its writes away (`snapshot`), and its temporary overlay cannot be shared; give it an overlay of its own",
                ));
            }
            let Some(medium) = self.block_device(&drive.id).await?.medium else {
                continue;
            };
            let same = std::path::absolute(&drive.path)
                .is_ok_and(|path| path.as_os_str() == medium.file.as_str());
            if let Some(format) = DriveFormat::from_name(&medium.driver)
                && !same
            {
                let below = std::mem::replace(&mut drive.path, medium.file.into());
                drive.format = format;
                drive.backing.insert(0, below);
            }
        }
        spec.changes = changes;
        for (path, write) in plugged.into_iter().flat_map(|plugged| plugged.files) {
            if write {
                spec.extra_writable.push(path);
            } else {
                spec.extra_readable.push(path);
            }
        }
        Ok(spec)
    }

    fn unmovable(&self, what: String, reason: &'static str) -> MachineError {
        MachineError::Migration {
            machine: self.name().to_owned(),
            problem: Box::new(MigrationProblem::Unmovable { what, reason }),
        }
    }

    /// Starts the machine that takes over, in the same directories and with logs of its own.
    ///
    /// # Errors
    /// As [`Machine::start`], and as [`Machine::destination_spec`] in [`StartError::Destination`].
    pub async fn start_destination(&self, binary: &Binary) -> Result<Self, StartError> {
        let failed = |source| StartError::Destination {
            machine: self.name().to_owned(),
            source: Box::new(source),
        };
        let spec = self.destination_spec().await.map_err(failed)?;
        let mut machine = Self::start(spec, binary, self.paths().successor()).await?;
        let plugs = &self.live().plugs;
        let listing = machine.qmp().human("info usernet").await;
        let taken = match listing {
            Ok(listing) => plugs.successor(&listing).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(plugs) => machine.take_plugs(plugs),
            Err(source) => return Err(failed(machine.explain("find the ports of", source).await)),
        }
        Ok(machine)
    }
}
