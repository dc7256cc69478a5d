//! What was asked once, in memory and on disk.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Details, Features, ask};
use crate::binary::Binary;
use crate::error::ProbeError;

/// Changes with the form of what is kept.
const FORM: u32 = 1;

/// No cache file is larger; what is was not written by this program.
const FILE_MAX: u64 = 16 << 20;

static FEATURES: LazyLock<Mutex<HashMap<String, Arc<Features>>>> = LazyLock::new(Mutex::default);
static DETAILS: LazyLock<Mutex<HashMap<String, Arc<Details>>>> = LazyLock::new(Mutex::default);

/// A file of the cache.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    key: String,
    value: T,
}

pub(super) fn features(binary: &Binary) -> Result<Arc<Features>, ProbeError> {
    get(&FEATURES, binary, "features", || ask::features(binary))
}

pub(super) fn details(binary: &Binary) -> Result<Arc<Details>, ProbeError> {
    let features = features(binary)?;
    get(&DETAILS, binary, "details", || {
        ask::details(binary, &features)
    })
}

fn get<T: Serialize + DeserializeOwned>(
    memory: &Mutex<HashMap<String, Arc<T>>>,
    binary: &Binary,
    what: &str,
    ask: impl FnOnce() -> Result<T, ProbeError>,
) -> Result<Arc<T>, ProbeError> {
    let key = key(binary.path()).map_err(|source| ProbeError::Run {
        path: binary.path().to_owned(),
        source,
    })?;
    let known = memory
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let file = binary.cache.as_ref().map(|dir| file(dir, what, &key));
    let kept = file.as_deref().and_then(|file| read(file, &key));
    let value = match kept {
        Some(value) => value,
        None => {
            let value = ask()?;
            if let Some(file) = &file {
                write(file, &key, &value);
            }
            value
        }
    };
    let value = Arc::new(value);
    memory
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key, Arc::clone(&value));
    Ok(value)
}

/// What changes when the binary does: path, device, inode, time and size of the file, and the times of the directories
/// from which it loads devices as modules.
fn key(path: &Path) -> std::io::Result<String> {
    let real = path.canonicalize()?;
    let mut key = format!("{FORM} {}", real.display());
    let mut add = |path: &Path| -> std::io::Result<()> {
        let meta = fs::metadata(path)?;
        key.push_str(&format!(
            " {} {} {} {} {}",
            meta.dev(),
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.size()
        ));
        Ok(())
    };
    add(&real)?;
    if let Some(prefix) = real.parent().and_then(Path::parent) {
        let arch = std::env::consts::ARCH;
        for dir in [
            format!("lib/{arch}-linux-gnu/qemu"),
            "lib/qemu".to_owned(),
            "lib64/qemu".to_owned(),
            "lib64/qemu-kvm".to_owned(),
        ] {
            // What is not there has no modules.
            let _ = add(&prefix.join(dir));
        }
    }
    Ok(key)
}

fn file(dir: &Path, what: &str, key: &str) -> PathBuf {
    let digest = Sha256::digest(key.as_bytes());
    dir.join(format!("qemu-{what}-{digest:x}.json"))
}

/// What the file says, unless it is not there, not whole, or about another binary.
fn read<T: DeserializeOwned>(file: &Path, key: &str) -> Option<T> {
    if fs::metadata(file).ok()?.len() > FILE_MAX {
        return None;
    }
    let kept: Kept<T> = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (kept.key == key).then_some(kept.value)
}

/// Keeps it for the next time. A cache that cannot be written costs time, nothing else.
fn write<T: Serialize>(file: &Path, key: &str, value: &T) {
    let kept = Kept {
        key: key.to_owned(),
        value,
    };
    let written = || -> std::io::Result<()> {
        let dir = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let mut new = tempfile::NamedTempFile::new_in(dir)?;
        new.write_all(&serde_json::to_vec(&kept)?)?;
        new.persist(file)?;
        Ok(())
    };
    if let Err(error) = written() {
        tracing::warn!(file = %file.display(), %error, "what QEMU can do is not kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(dir: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).expect("a directory");
        entries.flatten().map(|entry| entry.path()).collect()
    }

    #[test]
    fn what_is_kept_is_found_and_what_is_broken_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = file(dir.path(), "features", "key 1");
        assert_eq!(read::<Features>(&path, "key 1"), None);
        let features = Features {
            arch: "x86_64".to_owned(),
            ..Features::default()
        };
        write(&path, "key 1", &features);
        assert_eq!(kept(dir.path()), std::slice::from_ref(&path));
        assert_eq!(read(&path, "key 1"), Some(features));
        assert_eq!(read::<Features>(&path, "key 2"), None);
        fs::write(&path, "{\"key\": \"key 1\", \"value\": {").expect("written");
        assert_eq!(read::<Features>(&path, "key 1"), None);
    }

    #[test]
    fn another_file_has_another_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("qemu");
        fs::write(&path, "a").expect("written");
        let first = key(&path).expect("it is there");
        assert_eq!(key(&path).expect("it is there"), first);
        fs::write(&path, "ab").expect("written");
        assert_ne!(key(&path).expect("it is there"), first);
    }
}
