//! Providers: where tests come from, as files of this machine.

use std::path::{Path, PathBuf};

use crate::{Pack, PackError};

/// What a provider is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A directory of the operator's: what lies in it now is what runs.
    Directory,
    /// A clone of a git repository at a commit that the lock file pins.
    Git {
        /// The commit, in hexadecimal.
        commit: String,
    },
    /// One pack file.
    Pack(Box<Pack>),
}

/// A provider whose files are there (guide, section "Test Providers").
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name: of its definition without `.ini`, or of its pack. A label of the Cartesian language.
    pub name: String,
    /// The directory or the pack file.
    pub root: PathBuf,
    /// What it is.
    pub source: Source,
    /// Its backends, in the order of the definition. A pack has the ones that it carries configuration for.
    pub backends: Vec<Backend>,
}

/// The tests of a provider for one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The backend: `generic`, `qemu`, `libvirt`, ...
    pub name: String,
    /// Its directory: `tests/`, `tests/cfg/`, `deps/` lie in it. Of a pack, the pack file.
    pub dir: PathBuf,
}

impl Provider {
    /// The provider that is one pack file.
    ///
    /// # Errors
    /// [`PackError`] if it is no pack that this version can run.
    pub fn open_pack(path: &Path) -> Result<Self, PackError> {
        let pack = Pack::open(path)?;
        let mut backends: Vec<Backend> = Vec::new();
        for file in &pack.cfg {
            if backends.iter().all(|known| known.name != file.backend) {
                backends.push(Backend {
                    name: file.backend.clone(),
                    dir: path.to_owned(),
                });
            }
        }
        Ok(Self {
            name: pack.manifest.name.clone(),
            root: path.to_owned(),
            source: Source::Pack(Box::new(pack)),
            backends,
        })
    }
}
