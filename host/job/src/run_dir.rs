//! The directory that the machines of a job run in: overlays and sockets. It is also what a job is known by when it was
//! killed: who finds it takes away what is left of it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
use vthost_env::RUN_DIR_VARIABLE;

/// Where they lie: on disk, not in memory, and with a short path, because a socket's path has at most 107 bytes.
const PARENT: &str = "/var/tmp";
/// What their names begin with.
const PREFIX: &str = "vthost-";
/// What the name of one begins with that is not locked yet.
const NEW: &str = ".vthost-";
/// A directory this young may be one that is about to be locked.
const YOUNG: Duration = Duration::from_secs(60);

/// The directory of a running job. It is locked for as long as it is used, so that one that a killed vthost left behind
/// can be told from one in use.
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    pub(crate) fn create() -> io::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(NEW)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent())?;
        let lock = File::open(dir.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        // It gets its name when it is locked: whatever has such a name and is not locked is abandoned.
        let name = dir.path().file_name().unwrap_or_default().to_string_lossy();
        let path = parent().join(name.trim_start_matches('.'));
        fs::rename(dir.path(), &path)?;
        let _renamed = dir.keep();
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next job.
        clear(&self.path);
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

/// Removes what vthosts that were killed left behind in `parent`, with the commands that still run for them, and gives
/// what it removed. What cannot be removed is left for the next time.
pub(crate) fn sweep(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_new = name.starts_with(NEW);
            let is_ours = is_new || name.starts_with(PREFIX);
            is_ours && is_abandoned(&entry.path(), is_new)
        })
        .inspect(|entry| end_commands(&entry.path()))
        // Another job may remove it at the same time.
        .filter(|entry| clear(&entry.path()))
        .map(|entry| entry.path())
        .collect()
}

/// Gives back what a job has reserved of the host, and removes its directory; not before that, for only the directory
/// tells what it is. Whether it is done.
fn clear(run_dir: &Path) -> bool {
    vthost_env::give_back_hugepages(run_dir).is_ok() && fs::remove_dir_all(run_dir).is_ok()
}

/// Ends the commands on the host, and what they have started, of the job that `run_dir` belonged to. (QEMU and its helpers
/// end with their vthost.)
fn end_commands(run_dir: &Path) {
    let mut mark = format!("{RUN_DIR_VARIABLE}=").into_bytes();
    mark.extend(run_dir.as_os_str().as_bytes());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for pid in pids.filter_map(Pid::from_raw) {
        // Opened before it is looked at: the number may become another process's.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let Ok(environment) = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())) else {
            continue;
        };
        let is_left = environment.split(|byte| *byte == 0).any(|it| it == mark);
        if is_left && pid != getpid() {
            // The only error is that it has ended.
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    }
}

fn is_abandoned(path: &Path, is_new: bool) -> bool {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return false;
    };
    let own = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw();
    let old = meta
        .modified()
        .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > YOUNG));
    own && (old || !is_new)
        && File::open(path)
            .is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_what_nobody_has_locked_is_swept() {
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
        let (abandoned, _) = make("vthost-abandoned", false);
        let (never, _) = make(".vthost-never-locked", true);
        let (young, _) = make(".vthost-young", false);
        let (foreign, _) = make("other-abandoned", true);
        let (used, lock) = make("vthost-used", true);
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        let mut swept = sweep(parent.path());
        swept.sort();
        assert_eq!(swept, [never.clone(), abandoned.clone()]);
        assert!(!abandoned.exists() && !never.exists());
        assert!(young.exists() && foreign.exists() && used.exists());
    }

    #[test]
    fn a_run_directory_is_private_and_goes_with_its_job() {
        let run_dir = RunDir::create().unwrap();
        let path = run_dir.path();
        assert!(path.is_dir());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert!(!is_abandoned(&path, false));
        drop(run_dir);
        assert!(!path.exists());
    }
}
