//! What outlives a test inside of its job: the directory that machines run in, and machines that a later test can go
//! on with.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, remove_dir_all};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vthost_qemu::spec::Mac;

use crate::{Error, ErrorKind, Result, Vm, hugepages, leak};

/// What the tests of a job share. Dropping it ends every machine in it.
#[derive(Debug, Default)]
pub struct Pool {
    /// What machines of this job have their directories below.
    dir: PathBuf,
    next: AtomicU32,
    /// Sets the addresses of two jobs on one bridge apart.
    seed: u32,
    macs: Mutex<BTreeMap<(String, String), Mac>>,
    kept: Mutex<Vec<Arc<Vm>>>,
}

impl Pool {
    /// A pool whose machines have their directories in `dir`, which exists and is closed to other users. Keep its path
    /// short. Jobs with different seeds give their network cards different addresses.
    pub fn new(dir: PathBuf, seed: u32) -> Self {
        Self {
            dir,
            seed,
            ..Self::default()
        }
    }

    /// What machines of this job have their directories below.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new directory, removed when the last one that uses it is gone.
    pub(crate) fn new_dir(&self) -> Result<Arc<RunDir>> {
        let failed = |path: &Path, error: io::Error| {
            let text = format!("{} cannot be made", path.display());
            Error::caused(ErrorKind::Other, text, error)
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(number.to_string());
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| failed(&path, error))?;
        Ok(Arc::new(RunDir(path)))
    }

    /// The address of a network card whose parameters give none: the same one in every test of the job, and no other
    /// card's. Two jobs differ by their seeds.
    pub(crate) fn mac(&self, vm: &str, nic: &str) -> Mac {
        let mut macs = lock(&self.macs);
        let taken = |number: u32, macs: &BTreeMap<_, Mac>| {
            let mac = Mac::local(number);
            macs.values().any(|other| *other == mac)
        };
        let key = (vm.to_owned(), nic.to_owned());
        if let Some(mac) = macs.get(&key) {
            return *mac;
        }
        let mut number = hash(self.seed, &[vm, nic]);
        while taken(number, &macs) {
            number = number.wrapping_add(1);
        }
        let mac = Mac::local(number);
        macs.insert(key, mac);
        mac
    }

    /// The machine of that name that an earlier test left; it is the caller's now.
    pub(crate) fn take(&self, name: &str) -> Option<Arc<Vm>> {
        let mut kept = lock(&self.kept);
        let at = kept.iter().position(|vm| vm.name() == name)?;
        Some(kept.swap_remove(at))
    }

    /// The machines whose names are not among `names`; they are the caller's now.
    pub(crate) fn take_others(&self, names: &[&str]) -> Vec<Arc<Vm>> {
        let mut kept = lock(&self.kept);
        let (stay, others) = kept
            .drain(..)
            .partition(|vm: &Arc<Vm>| names.contains(&vm.name()));
        *kept = stay;
        others
    }

    /// Leaves a running machine to later tests.
    pub(crate) fn keep(&self, vm: Arc<Vm>) {
        lock(&self.kept).push(vm);
    }

    /// The machines that are kept at the moment.
    pub(crate) fn kept(&self) -> Vec<Arc<Vm>> {
        lock(&self.kept).clone()
    }

    /// Ends every machine that is kept, at the end of a job, and gives what went wrong: each line is a defect.
    pub async fn end(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for vm in self.take_others(&[]) {
            if let Err(error) = vm.destroy(false).await {
                problems.push(error.chain());
            }
        }
        problems.extend(leak::end_all(self).await);
        if let Err(error) = hugepages::give_back(&self.dir) {
            problems.push(error.chain());
        }
        problems
    }
}

/// FNV-1a: what matters is that it never changes.
fn hash(seed: u32, words: &[&str]) -> u32 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    let start = 0x811c_9dc5_u32;
    seed.to_le_bytes()
        .into_iter()
        .chain(bytes)
        .fold(start, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory for sockets, overlays and other things that nobody needs afterwards.
#[derive(Debug)]
pub(crate) struct RunDir(PathBuf);

impl RunDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if let Err(error) = remove_dir_all(&self.0) {
            // The directory of the job is removed after it, with all that is in it.
            tracing::debug!(dir = %self.0.display(), %error, "cannot remove a run directory");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stable_and_unlike_others() {
        let pool = Pool::new(PathBuf::new(), 7);
        let first = pool.mac("vm1", "nic1");
        let all: std::collections::BTreeSet<_> = (0..3000)
            .map(|number| pool.mac("vm1", &format!("nic{number}")).to_string())
            .collect();
        assert_eq!(all.len(), 3000);
        assert_eq!(pool.mac("vm1", "nic1"), first);
        assert_ne!(pool.mac("vm2", "nic1"), first);
        let other_job = Pool::new(PathBuf::new(), 8);
        assert_ne!(other_job.mac("vm1", "nic1"), first);
    }

    #[test]
    fn a_directory_goes_with_its_last_user() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::new(dir.path().to_owned(), 0);
        let (one, two) = (pool.new_dir().unwrap(), pool.new_dir().unwrap());
        let path = one.path().to_owned();
        assert_ne!(path, two.path());
        let user = Arc::clone(&one);
        drop(one);
        assert!(path.is_dir());
        drop(user);
        assert!(!path.exists());
    }
}
