//! The lock file that pins providers, and the locks that keep processes apart.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::SourceError;
use crate::definition::{is_label, is_sha};

/// The file that pins providers.
const FILE: &str = "providers.lock";
/// The version of its form.
const VERSION: u32 = 1;
/// Where the locks lie. No label has a dot: this is no provider.
const LOCKS: &str = ".locks";
/// The lock of the file itself.
const ALL: &str = ".all";

/// What is pinned of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locked {
    /// What the definition said when it was fetched.
    pub(crate) uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The SHA-256 of the file of the public key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pubkey_sha256: Option<String>,
    /// The commit, in hexadecimal.
    pub(crate) commit: String,
    /// The commit before it: a job that began before the last update still reads its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// The fingerprint of the key that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    version: u32,
    providers: BTreeMap<String, Locked>,
}

/// What is pinned, and the locks, of one directory of providers.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    dir: PathBuf,
}

impl Locks {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where the clones of a provider lie.
    pub(crate) fn clones(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Keeps other processes from changing this provider until the file is dropped, or this process ends in whatever
    /// way. Waits for those that came before.
    pub(crate) fn hold(&self, name: &str) -> Result<File, SourceError> {
        self.lock(&format!("{name}.lock"))
    }

    fn lock(&self, name: &str) -> Result<File, SourceError> {
        let dir = self.dir.join(LOCKS);
        fs::create_dir_all(&dir).map_err(SourceError::io("make", &dir))?;
        let path = dir.join(name);
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(SourceError::io("open", &path))?;
        file.lock().map_err(SourceError::io("lock", &path))?;
        Ok(file)
    }

    /// What is pinned of every provider.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, Locked>, SourceError> {
        let path = self.dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(BTreeMap::new());
            }
            Err(error) => return Err(SourceError::io("read", &path)(error)),
        };
        let form: Form =
            serde_json::from_slice(&bytes).map_err(|source| SourceError::LockFile {
                path: path.clone(),
                source,
            })?;
        if form.version > VERSION {
            return Err(SourceError::LockVersion {
                path,
                version: form.version,
            });
        }
        // What is made of these words are paths of clones, and those are believed.
        let wrong = form.providers.iter().find(|(name, locked)| {
            let commits = [Some(&locked.commit), locked.previous.as_ref()];
            !is_label(name) || !commits.into_iter().flatten().all(|commit| is_sha(commit))
        });
        match wrong {
            Some((name, _)) => Err(SourceError::LockEntry {
                path,
                name: name.escape_default().to_string(),
            }),
            None => Ok(form.providers),
        }
    }

    /// Pins a provider, or forgets it. The file is replaced as a whole.
    pub(crate) fn write(&self, name: &str, locked: Option<Locked>) -> Result<(), SourceError> {
        let _lock = self.lock(ALL)?;
        let mut providers = self.read()?;
        match locked {
            Some(locked) => providers.insert(name.to_owned(), locked),
            None => providers.remove(name),
        };
        let path = self.dir.join(FILE);
        let form = Form {
            version: VERSION,
            providers,
        };
        replace(&self.dir, &path, &form).map_err(SourceError::io("write", &path))
    }
}

fn replace(dir: &Path, path: &Path, form: &Form) -> std::io::Result<()> {
    let mut file = NamedTempFile::new_in(dir)?;
    serde_json::to_writer_pretty(&mut file, form)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
