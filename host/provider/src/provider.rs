//! Providers: where tests come from, as files of this machine.

use std::path::{Path, PathBuf};

use crate::cfg_set::{CfgError, GENERIC};
use crate::layout::{Layout, LayoutError, inside};
use crate::pack;
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

/// The backends that tests can be for (guide, section "Test Provider Layout"); a provider may name others.
pub const BACKENDS: &[&str] = &[
    "generic",
    "qemu",
    "libvirt",
    "libguestfs",
    "lvsb",
    "multi_host_migration",
    "openvswitch",
    "spice",
    "v2v",
];

/// The tests of a provider for one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The backend: `generic`, `qemu`, `libvirt`, ...
    pub name: String,
    /// Its directory: `tests/`, `tests/cfg/`, `deps/` lie in it. Of a pack, the pack file.
    pub dir: PathBuf,
}

impl Provider {
    /// The provider that is a directory of the operator's, laid out as the guide says: a directory for each backend. It is
    /// named after its directory.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open_dir(path: &Path) -> Result<Self, CfgError> {
        let io = |source| CfgError::Io {
            path: path.to_owned(),
            source,
        };
        let root = path.canonicalize().map_err(io)?;
        let backends = BACKENDS
            .iter()
            .map(|name| Backend {
                name: (*name).to_owned(),
                dir: root.join(name),
            })
            .filter(|backend| backend.dir.join("tests").is_dir())
            .collect();
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_"),
            root,
            source: Source::Directory,
            backends,
        })
    }

    /// The packs with its tests for a backend, its own before the generic ones: what lies as `*.wasm` in the backend's
    /// `tests/`, or the one pack that it is. Nothing of them is executed.
    ///
    /// # Errors
    /// [`LayoutError`] for a directory that cannot be read or a link out of the provider; the pack itself may be one that
    /// cannot be used, which says nothing about the others.
    pub fn packs(&self, backend: &str) -> Result<Vec<Result<Pack, PackError>>, LayoutError> {
        if let Source::Pack(pack) = &self.source {
            return Ok(vec![Ok((**pack).clone())]);
        }
        let mut packs = Vec::new();
        for wanted in [backend, GENERIC] {
            for part in self.backends.iter().filter(|part| part.name == wanted) {
                let found = Layout::of(&self.root, part)?.packs;
                for path in found {
                    // A signature beside it is a file of the provider as well.
                    let signature = pack::detached_path(&path);
                    if signature.symlink_metadata().is_ok() {
                        inside(&self.root, &signature)?;
                    }
                    packs.push(Pack::open(&path));
                }
            }
        }
        Ok(packs)
    }

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
