//! The directory of a running test: overlays and sockets.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// Where they lie: on disk, not in memory, and with a short path, because a socket's path has at most 107 bytes.
const PARENT: &str = "/var/tmp";
/// What their names begin with.
const PREFIX: &str = "vthost-";
/// A directory this young may belong to a job that has not locked it yet.
const YOUNG: Duration = Duration::from_secs(60);

/// The directory of a running test; a test without machines has none. It is locked for as long as it is used, so that
/// one that a killed vthost left behind can be told from one in use.
pub(crate) struct RunDir(Option<(tempfile::TempDir, File)>);

impl RunDir {
    pub(crate) fn create(needed: bool) -> io::Result<Self> {
        if !needed {
            return Ok(Self(None));
        }
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent())?;
        let lock = File::open(dir.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self(Some((dir, lock))))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0
            .as_ref()
            .map(|(dir, _)| dir.path().to_owned())
            .unwrap_or_default()
    }
}

/// The directory of run directories.
pub(crate) fn parent() -> PathBuf {
    let usual = Path::new(PARENT);
    if usual.is_dir() {
        usual.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// Removes what vthosts that were killed left behind in `parent`. What cannot be removed is left for the next time.
pub(crate) fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && is_abandoned(&entry.path()) {
            // Another job may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return false;
    };
    let own = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw();
    let old = meta
        .modified()
        .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > YOUNG));
    own && old
        && File::open(path)
            .is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_what_is_old_and_unlocked_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str, old: bool| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("overlay"), "x").unwrap();
            let dir = File::open(&path).unwrap();
            if old {
                dir.set_modified(SystemTime::now() - 2 * YOUNG).unwrap();
            }
            (path, dir)
        };
        let (abandoned, _) = make("vthost-abandoned", true);
        let (young, _) = make("vthost-young", false);
        let (foreign, _) = make("other-abandoned", true);
        let (used, lock) = make("vthost-used", true);
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(parent.path());
        assert!(!abandoned.exists());
        assert!(young.exists() && foreign.exists() && used.exists());
    }

    #[test]
    fn a_run_directory_is_private_and_goes_with_its_test() {
        let run_dir = RunDir::create(true).unwrap();
        let path = run_dir.path();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert!(!is_abandoned(&path));
        drop(run_dir);
        assert!(!path.exists());
    }
}
