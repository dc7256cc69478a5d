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
}

impl Vm {
    /// Begins to migrate. When the job has ended with status 0 this machine is the new process; otherwise it still runs
    /// where it was, and the output says why. Cancelling the job cancels the migration. Sessions over the network have to
    /// be opened anew. Similar to `vm.migrate()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] if it could not be begun.
    pub fn start_migration(&self, how: &Migration<'_>) -> Result<Job, Error> {
        let capabilities: Vec<String> = how.capabilities.iter().map(ToString::to_string).collect();
        let parameters: Vec<(String, i64)> = how
            .parameters
            .iter()
            .map(|&(name, value)| (name.to_owned(), value))
            .collect();
        let job = raw::start_migration(self.raw(), how.protocol, &capabilities, &parameters)?;
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
