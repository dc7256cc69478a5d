//! Adding and removing providers.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Place, ProviderError, Providers, Status, failed, name, place};
use crate::BACKENDS;
use crate::definition::{BackendSection, Definition, Uri, UriError, UriKind};
use crate::source::{Locked, retain};

/// A provider to be added.
#[derive(Debug, Clone, Default)]
pub struct NewProvider {
    /// Where it comes from: a URI as in a definition, or a path, relative to the working directory.
    pub from: String,
    /// Its name; without one, it follows from where it comes from.
    pub name: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// A tag or a commit.
    pub reference: Option<String>,
    /// The file of a public key.
    pub pubkey: Option<PathBuf>,
    /// Backends with their directories; without any, directories are looked for that are named after a backend.
    pub backends: Vec<(String, String)>,
}

impl Providers {
    /// Writes a definition, and fetches what it names. If that fails, nothing is left of it.
    ///
    /// # Errors
    /// [`ProviderError`] if there is a provider of that name, if the definition would have a mistake, or if it cannot
    /// be fetched or is not trusted.
    pub fn add(&mut self, new: &NewProvider) -> Result<Status, ProviderError> {
        let dir = self.dirs.definitions()[1].clone();
        let uri = uri(new, &dir)?;
        let name = match &new.name {
            Some(name) => name.clone(),
            None => name::derived(&uri).ok_or_else(|| ProviderError::NoName(uri.text.clone()))?,
        };
        self.is_free(&name)?;
        let mut definition = Definition {
            path: dir.join(format!("{name}.ini")),
            name,
            branch: new.branch.clone(),
            reference: new.reference.clone(),
            pubkey: new.pubkey.as_deref().map(found).transpose()?,
            backends: new.backends.iter().map(section).collect(),
            warnings: Vec::new(),
            uri,
        };
        let looks_for_backends =
            definition.backends.is_empty() && !matches!(definition.uri.kind, UriKind::Pack(_));
        if looks_for_backends {
            // Which ones there are is known when the files are here; all else is checked before.
            definition
                .backends
                .push(section(&(BACKENDS[0].to_owned(), String::new())));
        }
        definition = Definition::parse(&definition.path, &definition.text())?;
        let name = definition.name.clone();
        let _lock = self
            .locks
            .hold(&name)
            .map_err(|error| failed(&name, error))?;
        // Another process may have added it while this one waited: then its clone is not to be taken back below.
        *self = Self::open(&self.dirs)?;
        self.is_free(&name)?;
        // What was pinned before is not this call's to take back: its definition may have been set aside.
        let was_pinned = self.locked.contains_key(&name);
        let done = self.bring_and_define(definition, looks_for_backends);
        if done.is_err() && !was_pinned {
            self.forget(&name)?;
        }
        done?;
        *self = Self::open(&self.dirs)?;
        self.status(&name)
    }

    fn is_free(&self, name: &str) -> Result<(), ProviderError> {
        match self.found(name) {
            Err(_) => Ok(()),
            Ok(found) => Err(ProviderError::Exists {
                name: name.to_owned(),
                path: found.path.clone(),
            }),
        }
    }

    fn bring_and_define(
        &mut self,
        mut definition: Definition,
        looks_for_backends: bool,
    ) -> Result<(), ProviderError> {
        let locked: Option<Locked> = match place(&definition, None) {
            Place::Git { .. } => Some(self.clone_of(&definition, None, false)?),
            Place::Directory(_) | Place::Pack(_) => None,
        };
        let root = match (&locked, &definition.uri.kind) {
            (Some(locked), _) => self.locks.clones(&definition.name).join(&locked.commit),
            (None, UriKind::File(path) | UriKind::Path(path) | UriKind::Pack(path)) => path.clone(),
            (None, UriKind::Remote(_)) => return Err(ProviderError::NotFetched(definition.name)),
        };
        if looks_for_backends {
            definition.backends = backends_in(&root)?;
        }
        match &definition.uri.kind {
            UriKind::Pack(path) => drop(super::pack(&definition, path)?),
            _ if !root.is_dir() => {
                return Err(ProviderError::NoDirectory {
                    name: definition.name,
                    path: root,
                });
            }
            _ => drop(super::backends(&definition, &root, &mut Vec::new())?),
        }
        if let Some(locked) = locked {
            self.pin(&definition.name, locked)?;
        }
        Ok(definition.create()?)
    }

    /// Removes the definition of a provider, and its clones. A directory or a pack file that it names stays. Gives the
    /// definition of the same name that counts from now on, if there is one.
    ///
    /// # Errors
    /// [`ProviderError`] if there is none of that name, or if something cannot be removed.
    pub fn remove(&mut self, name: &str) -> Result<Option<PathBuf>, ProviderError> {
        let path = self.found(name)?.path.clone();
        let _lock = self.locks.hold(name).map_err(|error| failed(name, error))?;
        fs::remove_file(&path).map_err(|source| ProviderError::Io {
            what: "remove",
            path,
            source,
        })?;
        *self = Self::open(&self.dirs)?;
        let other = self.found(name).ok().map(|found| found.path.clone());
        if other.is_none() {
            self.forget(name)?;
        }
        Ok(other)
    }

    /// Removes the pin and the clones of a provider. Its lock is held.
    fn forget(&mut self, name: &str) -> Result<(), ProviderError> {
        let failed = |error| failed(name, error);
        if self.locked.remove(name).is_some() {
            self.locks.write(name, None).map_err(failed)?;
        }
        let clones = self.locks.clones(name);
        if clones.is_dir() {
            retain(&clones, &[]).map_err(failed)?;
            // What is left in it is not vthost's.
            let _ = fs::remove_dir(&clones);
        }
        Ok(())
    }
}

/// Where it comes from; a path becomes an absolute one.
fn uri(new: &NewProvider, definitions: &Path) -> Result<Uri, ProviderError> {
    let parsed = match Uri::parse(&new.from) {
        Ok(Uri {
            kind: UriKind::Path(path),
            ..
        }) => Ok(path),
        Err(UriError::Relative(_)) => Ok(PathBuf::from(&new.from)),
        other => Err(other),
    };
    let path = match parsed {
        Ok(path) => found(&path)?,
        Err(Ok(uri)) => return Ok(uri),
        Err(Err(error)) => return Err(error.into()),
    };
    if path.extension().is_some_and(|end| end == "ini") {
        return Err(ProviderError::IsDefinition {
            path,
            dir: definitions.to_owned(),
        });
    }
    // A path that is typed means what lies there now; a definition that says so reads `file://`.
    Ok(Uri::parse(&format!("file://{}", path.display()))?)
}

fn found(path: &Path) -> Result<PathBuf, ProviderError> {
    path.canonicalize().map_err(|source| ProviderError::Io {
        what: "find",
        path: path.to_owned(),
        source,
    })
}

fn section((name, subdir): &(String, String)) -> BackendSection {
    BackendSection {
        name: name.clone(),
        subdir: PathBuf::from(subdir),
        configs: Vec::new(),
    }
}

/// The directories that are named after a backend and hold tests or configuration.
fn backends_in(root: &Path) -> Result<Vec<BackendSection>, ProviderError> {
    let holds = |name: &&str| {
        let dir = root.join(name);
        dir.join("tests").is_dir() || dir.join("cfg").is_dir()
    };
    let backends: Vec<_> = BACKENDS
        .iter()
        .copied()
        .filter(holds)
        .map(|name| section(&(name.to_owned(), name.to_owned())))
        .collect();
    match backends.is_empty() {
        true => Err(ProviderError::FindsNoBackend(root.to_owned())),
        false => Ok(backends),
    }
}
