//! Fetching providers.

use serde::Serialize;

use super::{Place, ProviderError, Providers, failed, pinned, place};
use crate::definition::Definition;
use crate::source::{Locked, PublicKey, SourceError, Wanted, changes, fetch, resolve, retain};

/// What an update did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Update {
    /// The provider.
    pub name: String,
    /// The commit that was used before.
    pub from: Option<String>,
    /// The commit that is used now; `None` of what is used where it is.
    pub to: Option<String>,
    /// The fingerprint of the key that signed it.
    pub signed_by: Option<String>,
}

/// What an update would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The provider.
    pub name: String,
    /// The commit that is used.
    pub current: Option<String>,
    /// The commit that an update would take; `None` of what is used where it is, and of an abbreviated commit.
    pub available: Option<String>,
    /// Whether an update would change anything.
    pub outdated: bool,
}

impl Providers {
    /// Fetches what the definition of a provider names now. What is used already stays if that fails.
    ///
    /// # Errors
    /// [`ProviderError`] if it cannot be fetched or is not trusted.
    pub fn update(&mut self, name: &str) -> Result<Update, ProviderError> {
        self.bring(name, false)
    }

    /// Fetches what was never fetched, and clones that are gone at the commits that are pinned. One that fails hides no
    /// other.
    pub fn fetch_missing(&mut self) -> Vec<Result<Update, ProviderError>> {
        let missing = |name: &&str| matches!(self.get(name), Err(ProviderError::NotFetched(_)));
        let names: Vec<String> = self.names().filter(missing).map(str::to_owned).collect();
        let bring = |name: String| self.bring(&name, true);
        names.into_iter().map(bring).collect()
    }

    /// Asks the repository of a provider what an update would take. Nothing is fetched.
    ///
    /// # Errors
    /// [`ProviderError`] if the repository cannot be asked or has not what the definition names.
    pub fn check(&self, name: &str) -> Result<Check, ProviderError> {
        let definition = self.definition(name)?;
        let locked = self.locked.get(name);
        let Place::Git { uri, protocol } = place(definition, locked) else {
            self.get(name)?;
            return Ok(Check {
                name: name.to_owned(),
                current: None,
                available: None,
                outdated: false,
            });
        };
        let wanted = Wanted {
            uri: &uri,
            protocol,
            branch: definition.branch.as_deref(),
            reference: definition.reference.as_deref(),
            pinned: None,
        };
        let target = resolve(&wanted).map_err(|error| failed(name, error))?;
        let current = locked.map(|locked| locked.commit.clone());
        let available = target.commit().map(str::to_owned);
        let usable = self.get(name).is_ok();
        Ok(Check {
            name: name.to_owned(),
            outdated: !usable || available.is_some() && available != current,
            current,
            available,
        })
    }

    fn bring(&mut self, name: &str, keep_pin: bool) -> Result<Update, ProviderError> {
        let definition = self.definition(name)?.clone();
        if !matches!(place(&definition, self.locked.get(name)), Place::Git { .. }) {
            self.get(name)?;
            return Ok(Update {
                name: name.to_owned(),
                from: None,
                to: None,
                signed_by: None,
            });
        }
        let _lock = self.locks.hold(name).map_err(|error| failed(name, error))?;
        // Another process may have been faster.
        self.locked = self.locks.read().map_err(ProviderError::LockFile)?;
        let before = self.locked.get(name).cloned();
        let locked = self.clone_of(&definition, before.as_ref(), keep_pin)?;
        let update = Update {
            name: name.to_owned(),
            from: before.map(|before| before.commit),
            to: Some(locked.commit.clone()),
            signed_by: locked.signed_by.clone(),
        };
        self.pin(name, locked)?;
        Ok(update)
    }

    /// Makes the clone that a definition asks for, unless it is there. The lock of the provider is held.
    pub(super) fn clone_of(
        &self,
        definition: &Definition,
        before: Option<&Locked>,
        keep_pin: bool,
    ) -> Result<Locked, ProviderError> {
        let name = &definition.name;
        let failed = |error: SourceError| failed(name, error);
        let Place::Git { uri, protocol } = place(definition, before) else {
            return Err(ProviderError::NotFetched(name.clone()));
        };
        let unchanged = pinned(definition, before).ok();
        let wanted = Wanted {
            uri: &uri,
            protocol,
            branch: definition.branch.as_deref(),
            reference: definition.reference.as_deref(),
            pinned: unchanged
                .filter(|_| keep_pin)
                .map(|locked| locked.commit.as_str()),
        };
        let clones = self.locks.clones(name);
        let target = resolve(&wanted).map_err(failed)?;
        if let Some(locked) = unchanged.filter(|locked| target.commit() == Some(&*locked.commit)) {
            let clone = clones.join(&locked.commit);
            if clone.is_dir() && changes(&clone).map_err(failed)?.is_none() {
                return Ok(locked.clone());
            }
        }
        let key = match &definition.pubkey {
            Some(path) => Some(PublicKey::open(path).map_err(failed)?),
            None => None,
        };
        let fetched = fetch(&clones, &wanted, &target, key.as_ref()).map_err(failed)?;
        let previous = before
            .filter(|before| before.commit != fetched.commit)
            .map(|before| before.commit.clone())
            .or_else(|| before.and_then(|before| before.previous.clone()));
        Ok(Locked {
            uri: definition.uri.text.clone(),
            branch: definition.branch.clone(),
            reference: definition.reference.clone(),
            pubkey_sha256: key.map(|key| key.sha256),
            commit: fetched.commit,
            previous,
            signed_by: fetched.signed_by,
        })
    }

    /// Makes a clone the one that is used, and removes what is older than the one before it.
    pub(super) fn pin(&mut self, name: &str, locked: Locked) -> Result<(), ProviderError> {
        let failed = |error: SourceError| failed(name, error);
        if self.locked.get(name) != Some(&locked) {
            let pin = Some(locked.clone());
            self.locks.write(name, pin).map_err(failed)?;
        }
        let keep: Vec<&str> = [Some(&locked.commit), locked.previous.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        retain(&self.locks.clones(name), &keep).map_err(failed)?;
        self.locked.insert(name.to_owned(), locked);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::super::NewProvider;
    use super::*;
    use crate::{Dirs, Source};

    fn git(dir: &Path, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(dir)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(dir: &Path, file: &str) -> String {
        fs::create_dir_all(dir.join("qemu/tests")).unwrap();
        fs::write(dir.join("qemu/tests").join(file), "").unwrap();
        git(dir, &["add", "--all"]);
        git(dir, &["commit", "--quiet", "--message", file]);
        git(dir, &["rev-parse", "HEAD"])
    }

    #[test]
    fn a_clone_that_is_gone_comes_back_at_its_pin() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(&home.path().join("home"));
        let up = home.path().join("up");
        fs::create_dir(&up).unwrap();
        git(&up, &["init", "--quiet", "--initial-branch=main"]);
        let one = commit(&up, "one.cfg");
        let mut providers = Providers::open(&dirs).unwrap();
        let new = NewProvider {
            from: format!("file://{}", up.display()),
            branch: Some("main".into()),
            ..NewProvider::default()
        };
        let root = providers.add(&new).unwrap().root.unwrap();
        let two = commit(&up, "two.cfg");
        assert!(providers.fetch_missing().is_empty(), "nothing is missing");

        fs::remove_dir_all(&root).unwrap();
        let load = || Providers::load(&dirs).remove(0);
        assert!(matches!(load(), Err(ProviderError::NotFetched(name)) if name == "up"));
        let updates: Vec<_> = providers
            .fetch_missing()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(updates[0].to.as_ref(), Some(&one));
        let provider = load().unwrap();
        assert!(matches!(provider.source, Source::Git { commit } if commit == one));
        assert_eq!(providers.update("up").unwrap().to, Some(two));
    }
}
