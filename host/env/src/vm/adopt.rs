//! Going on with a machine that an earlier test left.

use std::path::Path;
use std::sync::Arc;

use vthost_params::Params;
use vthost_qemu::Paths;

use super::{Life, Vm};
use crate::{Error, ErrorKind, Result};

impl Vm {
    /// The same machine as a later test sees it: with that test's parameters, its results in `log_dir`, no sessions, and
    /// no events from before.
    pub(crate) fn adopt(&self, params: Params, log_dir: &Path) -> Result<Self> {
        let paths = Paths::new(self.paths.run_dir(), log_dir).map_err(|error| {
            let text = "the directories of a machine cannot be used";
            Error::caused(ErrorKind::Other, text, error)
        })?;
        let next = Self::new(&self.name, params, Arc::clone(&self.hardware), paths)?;
        let life = {
            let life = self.life();
            let cursor = life.machine.as_ref().map(|machine| machine.qmp().cursor());
            let since = cursor.unwrap_or_default();
            Life {
                machine: life.machine.clone(),
                booted_at: life.booted_at,
                logged_in: life.logged_in,
                events_from: since,
                events_since: since,
                ..Life::default()
            }
        };
        *next.life() = life;
        Ok(next)
    }
}
