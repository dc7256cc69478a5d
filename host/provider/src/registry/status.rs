//! What a list of providers shows.

use std::path::PathBuf;

use serde::Serialize;

use super::{Place, Providers, place};
use crate::{Backend, Source};

/// A provider in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What it is; `None` if its definition cannot be read.
    pub kind: Option<Kind>,
    /// Its definition.
    pub definition: PathBuf,
    /// Where it comes from.
    pub uri: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// The tag or commit that the definition demands.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit that is used, in hexadecimal.
    pub commit: Option<String>,
    /// The fingerprint of the key that signed that commit or its tag; `None` if the definition demands no signature.
    pub signed_by: Option<String>,
    /// The directory or the pack file that is used.
    pub root: Option<PathBuf>,
    /// Its backends with their directories.
    pub backends: Vec<BackendStatus>,
    /// Whether it can be used.
    pub state: State,
    /// Why not, and what to do.
    pub reason: Option<String>,
    /// What is most likely not meant.
    pub warnings: Vec<String>,
}

/// A backend in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendStatus {
    /// The backend: `generic`, `qemu`, ...
    pub name: String,
    /// Its directory; of a pack, the pack file.
    pub dir: PathBuf,
}

/// What a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A directory that is used where it is.
    Directory,
    /// A clone of a git repository.
    Git,
    /// A pack file.
    Pack,
}

/// Whether a provider can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its files are there.
    Ready,
    /// It was never fetched, or its clone is gone.
    NotFetched,
    /// Its definition says something else than when it was fetched.
    Changed,
    /// There is a mistake in its definition or in its files.
    Broken,
}

impl Providers {
    /// Every provider as it is now, sorted by name. No network and no other program is used.
    pub fn statuses(&self) -> Vec<Status> {
        self.found
            .iter()
            .map(|found| self.status_of(&found.name, found.path.clone()))
            .collect()
    }

    /// One provider as it is now.
    ///
    /// # Errors
    /// [`ProviderError`](super::ProviderError) if there is none of that name.
    pub fn status(&self, name: &str) -> Result<Status, super::ProviderError> {
        let found = self.found(name)?;
        Ok(self.status_of(&found.name, found.path.clone()))
    }

    fn status_of(&self, name: &str, definition: PathBuf) -> Status {
        let mut status = Status {
            name: name.to_owned(),
            kind: None,
            definition,
            uri: None,
            branch: None,
            reference: None,
            commit: None,
            signed_by: None,
            root: None,
            backends: Vec::new(),
            state: State::Ready,
            reason: None,
            warnings: Vec::new(),
        };
        if let Ok(definition) = self.definition(name) {
            status.kind = Some(match place(definition, self.locked.get(name)) {
                Place::Directory(_) => Kind::Directory,
                Place::Git { .. } => Kind::Git,
                Place::Pack(_) => Kind::Pack,
            });
            status.uri = Some(definition.uri.text.clone());
            status.branch.clone_from(&definition.branch);
            status.reference.clone_from(&definition.reference);
        }
        match self.ready(name) {
            Ok(ready) => {
                let provider = ready.provider;
                if let Source::Git { commit } = provider.source {
                    status.commit = Some(commit);
                    let locked = self.locked.get(name);
                    status.signed_by = locked.and_then(|locked| locked.signed_by.clone());
                }
                status.root = Some(provider.root);
                let backends = provider.backends.into_iter();
                let shown = |Backend { name, dir }| BackendStatus { name, dir };
                status.backends = backends.map(shown).collect();
                status.warnings = ready.warnings;
            }
            Err(error) => {
                status.state = error.state();
                status.reason = Some(chain(&error));
            }
        }
        status
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    text
}
