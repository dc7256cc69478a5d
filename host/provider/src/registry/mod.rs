//! The providers of this machine: what the definitions name, and what of it is there.

mod add;
mod error;
mod name;
mod porting;
mod status;
mod update;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vthost_cartesian::{did_you_mean, nearest};

use crate::definition::{Definition, Found, Protocol, UriKind, scan};
use crate::layout::{Layout, inside};
use crate::source::{Locked, Locks, PublicKey, SourceError};
use crate::{Backend, Dirs, Provider, Source};

pub use add::NewProvider;
pub use error::ProviderError;
pub use porting::{Porting, PortingRow};
pub use status::{BackendStatus, Kind, State, Status};
pub use update::{Check, Update};
pub use verify::{Verification, Verified};

/// The providers of this machine.
#[derive(Debug)]
pub struct Providers {
    dirs: Dirs,
    found: Vec<Found>,
    locks: Locks,
    locked: BTreeMap<String, Locked>,
}

/// Where the files of a definition are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Directory(PathBuf),
    Git { uri: String, protocol: Protocol },
    Pack(PathBuf),
}

/// A provider that can be used, and what is most likely not meant.
struct Ready {
    provider: Provider,
    warnings: Vec<String>,
}

impl Providers {
    /// Reads the definitions and what is pinned. Nothing is fetched.
    ///
    /// # Errors
    /// [`ProviderError`] if a directory of definitions or the lock file cannot be read. A definition with a mistake is
    /// none: whoever asks for that provider gets it.
    pub fn open(dirs: &Dirs) -> Result<Self, ProviderError> {
        let locks = Locks::new(dirs.providers());
        Ok(Self {
            found: scan(&dirs.definitions())?,
            locked: locks.read().map_err(ProviderError::LockFile)?,
            locks,
            dirs: dirs.clone(),
        })
    }

    /// Every provider as it is now, sorted by name: no network and no other program is used. One that cannot be used
    /// hides no other.
    pub fn load(dirs: &Dirs) -> Vec<Result<Provider, ProviderError>> {
        match Self::open(dirs) {
            Ok(providers) => providers.all(),
            Err(error) => vec![Err(error)],
        }
    }

    fn all(&self) -> Vec<Result<Provider, ProviderError>> {
        let load = |found: &Found| self.get(&found.name);
        self.found.iter().map(load).collect()
    }

    /// The names of all providers, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|found| found.name.as_str())
    }

    /// A provider as it is now.
    ///
    /// # Errors
    /// [`ProviderError`] if there is none of that name or if it cannot be used.
    pub fn get(&self, name: &str) -> Result<Provider, ProviderError> {
        Ok(self.ready(name)?.provider)
    }

    /// What the file says that defines this provider.
    ///
    /// # Errors
    /// [`ProviderError`] if there is none of that name, or if there is a mistake in it.
    pub fn definition(&self, name: &str) -> Result<&Definition, ProviderError> {
        let found = self.found(name)?;
        let definition = found.definition.as_ref();
        definition.map_err(|error| ProviderError::Definition(Arc::clone(error)))
    }

    fn found(&self, name: &str) -> Result<&Found, ProviderError> {
        let found = self.found.iter().find(|found| found.name == name);
        found.ok_or_else(|| ProviderError::Unknown {
            name: name.escape_default().to_string(),
            hint: did_you_mean(&nearest(name, self.names())),
        })
    }

    fn ready(&self, name: &str) -> Result<Ready, ProviderError> {
        let definition = self.definition(name)?;
        let locked = self.locked.get(name);
        let (root, source) = match place(definition, locked) {
            Place::Pack(path) => return pack(definition, &path),
            Place::Directory(path) => (path, Source::Directory),
            Place::Git { .. } => {
                let commit = pinned(definition, locked)?.commit.clone();
                let root = self.locks.clones(name).join(&commit);
                if !root.is_dir() {
                    return Err(ProviderError::NotFetched(name.to_owned()));
                }
                (root, Source::Git { commit })
            }
        };
        if !root.is_dir() {
            return Err(ProviderError::NoDirectory {
                name: name.to_owned(),
                path: root,
            });
        }
        // By its real name: what lies in it is known by its path.
        let root = root
            .canonicalize()
            .map_err(|_| ProviderError::NoDirectory {
                name: name.to_owned(),
                path: root.clone(),
            })?;
        let mut warnings = definition.warnings.clone();
        let backends = backends(definition, &root, &mut warnings)?;
        // Here it is this provider that cannot be used; later it would be the whole list.
        for backend in &backends {
            Layout::of(&root, backend).map_err(|source| ProviderError::Layout {
                name: name.to_owned(),
                source,
            })?;
        }
        Ok(Ready {
            provider: Provider {
                name: name.to_owned(),
                root,
                source,
                backends,
            },
            warnings,
        })
    }
}

fn pack(definition: &Definition, path: &Path) -> Result<Ready, ProviderError> {
    let mut provider = Provider::open_pack(path)?;
    provider.name.clone_from(&definition.name);
    Ok(Ready {
        provider,
        warnings: definition.warnings.clone(),
    })
}

/// Where the files of a definition are. What was cloned once is a clone although the repository has gone.
fn place(definition: &Definition, locked: Option<&Locked>) -> Place {
    let asked = definition.branch.is_some()
        || definition.reference.is_some()
        || definition.pubkey.is_some();
    let cloned = locked.is_some_and(|locked| locked.uri == definition.uri.text);
    let git = |path: &Path| Place::Git {
        uri: path.display().to_string(),
        protocol: Protocol::File,
    };
    match &definition.uri.kind {
        UriKind::Pack(path) => Place::Pack(path.clone()),
        UriKind::Remote(protocol) => Place::Git {
            uri: definition.uri.text.clone(),
            protocol: *protocol,
        },
        UriKind::File(path) | UriKind::Path(path)
            if asked || is_bare(path) || cloned && !path.exists() =>
        {
            git(path)
        }
        UriKind::Path(path)
            if path.join(".git").exists() || path.extension().is_some_and(|end| end == "git") =>
        {
            git(path)
        }
        UriKind::File(path) | UriKind::Path(path) => Place::Directory(path.clone()),
    }
}

/// Whether this is a repository without files of its own.
fn is_bare(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// What is pinned of a provider, if that is what its definition says now.
fn pinned<'a>(
    definition: &Definition,
    locked: Option<&'a Locked>,
) -> Result<&'a Locked, ProviderError> {
    let name = || definition.name.clone();
    let locked = locked.ok_or_else(|| ProviderError::NotFetched(name()))?;
    let digest = match &definition.pubkey {
        Some(path) => {
            Some(PublicKey::digest(path).map_err(|error| failed(&definition.name, error))?)
        }
        None => None,
    };
    let same = [
        ("uri", locked.uri == definition.uri.text),
        ("branch", locked.branch == definition.branch),
        ("ref", locked.reference == definition.reference),
        ("pubkey", locked.pubkey_sha256 == digest),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(ProviderError::Changed { name: name(), what }),
        None => Ok(locked),
    }
}

/// The backends whose directories are there.
fn backends(
    definition: &Definition,
    root: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<Backend>, ProviderError> {
    let mut backends = Vec::new();
    for section in &definition.backends {
        let dir = root.join(&section.subdir);
        if dir.is_dir() {
            inside(root, &dir).map_err(|error| ProviderError::Layout {
                name: definition.name.clone(),
                source: error,
            })?;
            backends.push(Backend {
                name: section.name.clone(),
                dir,
            });
        } else {
            warnings.push(format!(
                "backend `{}` has no tests: there is no directory `{}`",
                section.name,
                section.subdir.display()
            ));
        }
    }
    if backends.is_empty() {
        return Err(ProviderError::NoBackend {
            name: definition.name.clone(),
            root: root.to_owned(),
        });
    }
    Ok(backends)
}

fn failed(name: &str, source: SourceError) -> ProviderError {
    ProviderError::Source {
        name: name.to_owned(),
        source: Box::new(source),
    }
}
