//! Files that are opened here and handed over to a confined QEMU.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::MachineError;
use crate::machine::Machine;

/// Which descriptor sets of QEMU stand for which files.
#[derive(Debug, Default)]
pub(crate) struct Handed(Mutex<BTreeMap<u64, PathBuf>>);

#[derive(Deserialize)]
struct Added {
    #[serde(rename = "fdset-id")]
    fdset: u64,
}

impl Handed {
    /// The file behind a file name that QEMU shows.
    pub(crate) fn real_name(&self, shown: &str) -> String {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let path = number(shown).and_then(|set| sets.get(&set));
        path.map_or_else(|| shown.to_owned(), |path| path.display().to_string())
    }
}

/// The number in `/dev/fdset/<number>`.
fn number(name: &str) -> Option<u64> {
    name.strip_prefix("/dev/fdset/")?.parse().ok()
}

impl Machine {
    /// The name under which QEMU can open a file: its own if it lies in the run directory, else that of a descriptor
    /// set. [`Machine::take_back`] undoes it.
    pub(crate) async fn hand_over(&self, path: &Path, write: bool) -> Result<String, MachineError> {
        let failed = |source| MachineError::File {
            path: path.to_owned(),
            source,
        };
        let path = path.canonicalize().map_err(failed)?;
        let run_dir = self.paths().run_dir().canonicalize().map_err(failed)?;
        let utf8 = path.to_str().ok_or_else(|| MachineError::Argument {
            what: "path of an image",
            value: path.display().to_string(),
            rule: "it has to be UTF-8, since the monitor takes nothing else".into(),
        })?;
        if path.starts_with(run_dir) {
            return Ok(utf8.to_owned());
        }
        let file = OpenOptions::new()
            .read(true)
            .write(write)
            .open(&path)
            .map_err(failed)?;
        let arguments = json!({ "opaque": utf8 });
        let added = self
            .qmp()
            .execute_with_fd("add-fd", arguments, file.into())
            .await
            .and_then(|answer| crate::qmp::parse::<Added>("add-fd", answer));
        let set = match added {
            Ok(added) => added.fdset,
            Err(source) => return Err(self.explain("hand a file over to", source).await),
        };
        let mut sets = self
            .live()
            .handed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sets.insert(set, path);
        Ok(format!("/dev/fdset/{set}"))
    }

    /// Closes a file that was handed over, when QEMU has no more use for it. Other names are let be.
    pub(crate) async fn take_back(&self, name: &str) {
        let Some(set) = number(name) else {
            return;
        };
        let known = {
            let mut sets = self
                .live()
                .handed
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            sets.remove(&set).is_some()
        };
        if known {
            // If it fails, QEMU has ended, or closes the file when it does.
            let arguments = json!({ "fdset-id": set });
            let _: Result<Value, _> = self.qmp().execute("remove-fd", arguments).await;
        }
    }
}
