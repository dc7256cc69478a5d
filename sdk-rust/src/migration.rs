//! Moving a running machine to another QEMU process.

use crate::bindings::vthost::vm::migration as raw;
use crate::{Error, Job, Vm};

/// How to migrate: the protocol, and what QEMU is told beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration<'a> {
    /// `tcp`, `unix`, `exec` or `fd`.
    pub protocol: &'a str,
    /// Capabilities of QEMU that are switched on on both sides: `postcopy-ram`, `xbzrle`.
    pub capabilities: &'a [&'a str],
    /// Parameters of QEMU with their values: `max-bandwidth` in bytes per second, `downtime-limit` in milliseconds.
    pub parameters: &'a [(&'a str, i64)],
}

impl<'a> Migration<'a> {
    /// By this protocol, with nothing beside it.
    pub fn by(protocol: &'a str) -> Self {
        Self {
            protocol,
            capabilities: &[],
            parameters: &[],
        }
    }

    fn options(&self) -> (Vec<String>, Vec<(String, i64)>) {
        let named = |&(name, value): &(&str, i64)| (name.to_owned(), value);
        (
            self.capabilities.iter().map(ToString::to_string).collect(),
            self.parameters.iter().map(named).collect(),
        )
    }
}

impl Vm {
    /// Begins to migrate. When the job has ended with status 0 this machine is the new process; otherwise it still runs
    /// where it was, and the output says why. Cancelling the job cancels the migration. Sessions over the network have to
    /// be opened anew. Similar to `vm.migrate()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] if it could not be begun.
    pub fn start_migration(&self, how: &Migration<'_>) -> Result<Job, Error> {
        let (capabilities, parameters) = how.options();
        let job = raw::start_migration(self.raw(), how.protocol, &capabilities, &parameters)?;
        Ok(Job::new(job))
    }

    /// Begins to migrate to a machine that waits for it (`migration_mode`), and was made after this one or while the test
    /// runs. When the job has ended with status 0 the guest is there and this machine is off; otherwise it still runs
    /// here, the other machine is off, and the output says why. Similar to `vm.migrate(dest_vm)` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] if it could not be begun.
    pub fn start_migration_to(
        &self,
        destination: &Self,
        how: &Migration<'_>,
    ) -> Result<Job, Error> {
        let (capabilities, parameters) = how.options();
        let job = raw::start_migration_to(
            self.raw(),
            destination.raw(),
            how.protocol,
            &capabilities,
            &parameters,
        )?;
        Ok(Job::new(job))
    }

    /// Lets the guest run on the other side from now on, and its memory follow as it is needed (`postcopy-ram`).
    ///
    /// # Errors
    /// [`Error`] if no migration goes on that can do so.
    pub fn start_postcopy(&self) -> Result<(), Error> {
        Ok(raw::start_postcopy(self.raw())?)
    }
}
