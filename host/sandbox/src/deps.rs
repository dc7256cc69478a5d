//! The auxiliary files of packs, where tests can read them.
//!
//! They are written once, below the cache of components, which is the host's alone (see [`crate::cache`]); the name of
//! their directory is the digest of all of them. What a test sees as `/deps` is that directory, opened for reading only:
//! a test that could write there would change what the next one reads.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::SandboxError;

/// Gives the directory of these files, and writes it if it is not there or not whole.
pub(crate) fn unpack<'a>(
    cache: &Path,
    digest: &str,
    files: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<PathBuf, SandboxError> {
    let dir = cache.join(format!("deps-{digest}"));
    if is_whole(&dir, files.clone()) {
        return Ok(dir);
    }
    write(cache, &dir, files).map_err(|source| SandboxError::Deps {
        path: dir.clone(),
        source,
    })?;
    Ok(dir)
}

/// Whether every file is there in its size: a cache may be deleted at any time, and in part.
fn is_whole<'a>(dir: &Path, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
    files.into_iter().all(|(path, bytes)| {
        dir.join(path)
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_file() && meta.len() == bytes.len() as u64)
    })
}

fn write<'a>(
    cache: &Path,
    dir: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> io::Result<()> {
    let draft = tempfile::tempdir_in(cache)?;
    for (path, bytes) in files.clone() {
        let path = draft.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(draft.path()))?;
        std::fs::write(&path, bytes)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o444))?;
    }
    // One that is not whole is in the way. Another vthost may do the same at the same time: whoever comes first wins.
    match std::fs::rename(draft.path(), dir) {
        Ok(()) => {
            let _ = draft.keep();
            Ok(())
        }
        Err(_) if is_whole(dir, files) => Ok(()),
        Err(_) => {
            std::fs::remove_dir_all(dir)?;
            std::fs::rename(draft.path(), dir)?;
            let _ = draft.keep();
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_once_and_again_when_one_is_missing() {
        let cache = tempfile::tempdir().unwrap();
        let files = [("a", &b"1"[..]), ("b/c", b"22")];
        let dir = unpack(cache.path(), "0", files.into_iter()).unwrap();
        assert_eq!(std::fs::read(dir.join("b/c")).unwrap(), b"22");
        let made = dir.metadata().unwrap().modified().unwrap();
        assert_eq!(unpack(cache.path(), "0", files.into_iter()).unwrap(), dir);
        assert_eq!(dir.metadata().unwrap().modified().unwrap(), made);
        std::fs::remove_file(dir.join("b/c")).unwrap();
        unpack(cache.path(), "0", files.into_iter()).unwrap();
        assert_eq!(std::fs::read(dir.join("b/c")).unwrap(), b"22");
        let mode = dir.join("a").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o222, 0, "{mode:o}");
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
