//! Checking again what was fetched.

use serde::Serialize;

use super::{ProviderError, Providers, failed};
use crate::Source;
use crate::definition::{Protocol, is_sha};
use crate::source::{Git, PublicKey, Signed, SourceError, changes};

/// What was checked of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The provider.
    pub name: String,
    /// What holds of it.
    #[serde(flatten)]
    pub verified: Verified,
}

/// What holds of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verified")]
pub enum Verified {
    /// It is the pinned commit, unchanged, and the key of the definition signed it.
    Signature {
        /// The commit.
        commit: String,
        /// The fingerprint of the key.
        signed_by: String,
    },
    /// It is the pinned commit, unchanged. The definition demands no signature.
    Commit {
        /// The commit.
        commit: String,
    },
    /// It is used where it is: there is nothing that it could be compared with.
    InPlace,
}

impl Providers {
    /// Checks that the clone of a provider is the commit that is pinned, that nobody changed it, and that it is signed
    /// by the key of its definition. No network is used.
    ///
    /// # Errors
    /// [`ProviderError`] if that is not so, or if the provider cannot be used at all.
    pub fn verify(&self, name: &str) -> Result<Verification, ProviderError> {
        let provider = self.get(name)?;
        let verified = match provider.source {
            Source::Directory | Source::Pack(_) => Verified::InPlace,
            Source::Git { commit } => {
                let _lock = self.locks.hold(name).map_err(|error| failed(name, error))?;
                let definition = self.definition(name)?;
                let failed = |error| failed(name, error);
                if let Some(what) = changes(&provider.root).map_err(failed)? {
                    let path = provider.root;
                    return Err(failed(SourceError::Modified { path, what }));
                }
                match &definition.pubkey {
                    None => Verified::Commit { commit },
                    Some(key) => {
                        let key = PublicKey::open(key).map_err(failed)?;
                        let tag = definition.reference.as_deref();
                        let tag = tag.filter(|tag| !is_sha(tag));
                        let signed = match tag {
                            Some(tag) if is_tag(&provider.root, tag).map_err(failed)? => {
                                Signed::Tag(tag)
                            }
                            _ => Signed::Commit(&commit),
                        };
                        let signed_by = key.verify(&provider.root, signed).map_err(failed)?;
                        Verified::Signature { commit, signed_by }
                    }
                }
            }
        };
        Ok(Verification {
            name: name.to_owned(),
            verified,
        })
    }
}

fn is_tag(clone: &std::path::Path, name: &str) -> Result<bool, SourceError> {
    let name = format!("refs/tags/{name}");
    let output = Git::new(clone, Protocol::File)
        .args(&["show-ref", "--verify", "--quiet", &name])
        .output()?;
    Ok(output.status.success())
}
