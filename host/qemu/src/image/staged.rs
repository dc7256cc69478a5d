//! Files that appear whole or not at all.
//!
//! A file is written under a temporary name beside its place and renamed when it is complete and on disk. Who is killed
//! on the way leaves a file `.vthost-*.part`, which [`sweep`] removes, and never half an image under its real name.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile};

use super::cancel::{Cancelled, in_thread};
use super::reference::absolute;
use super::{ImageError, qcow2};

const PREFIX: &str = ".vthost-";
const SUFFIX: &str = ".part";

/// So much is copied before it is looked whether anybody still wants the copy.
const PIECE: u64 = 64 << 20;

/// A file that is being made. It is removed if it is dropped.
#[derive(Debug)]
pub(super) struct Staged {
    file: NamedTempFile,
    target: PathBuf,
}

impl Staged {
    /// An empty file beside `target`, locked so that no sweeper takes it for one that was left behind.
    pub(super) fn beside(target: &Path) -> Result<Self, ImageError> {
        let target = absolute(target)?;
        let dir = target.parent().unwrap_or_else(|| Path::new("/"));
        let make = || -> io::Result<NamedTempFile> {
            loop {
                let mut builder = Builder::new();
                builder.prefix(PREFIX).suffix(SUFFIX);
                let file = builder
                    .permissions(fs::Permissions::from_mode(0o644))
                    .tempfile_in(dir)?;
                file.as_file().lock_shared()?;
                // A sweeper may have been faster than the lock.
                if fs::metadata(file.path()).is_ok() {
                    return Ok(file);
                }
            }
        };
        let file = make().map_err(|source| ImageError::file("create", &target, source))?;
        Ok(Self { file, target })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// As [`Self::commit`], without blocking the runtime.
    pub(super) async fn commit_async(self, replace: bool) -> Result<(), ImageError> {
        let target = self.target.clone();
        in_thread("write", &target, move |_| self.commit(replace)).await
    }

    /// Puts the file in its place, when all of it is on disk; what was there is replaced if `replace`, and passes on its
    /// mode.
    pub(super) fn commit(self, replace: bool) -> Result<(), ImageError> {
        let (file, target) = (self.file.as_file(), self.target.clone());
        let failed = |source| ImageError::file("write", &target, source);
        if let Ok(old) = fs::metadata(&target)
            && replace
        {
            file.set_permissions(old.permissions()).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        self.publish(replace)?;
        let dir = target.parent().unwrap_or_else(|| Path::new("/"));
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|source| ImageError::file("write", dir, source))
    }

    /// As [`Self::commit`], for files that need not survive a crash of the host.
    pub(super) fn publish(self, replace: bool) -> Result<(), ImageError> {
        let failed = |error: tempfile::PersistError| error.error;
        let kept = if replace {
            self.file.persist(&self.target).map_err(failed)
        } else {
            self.file.persist_noclobber(&self.target).map_err(failed)
        };
        kept.map(drop)
            .map_err(|source| ImageError::file("create", &self.target, source))
    }
}

/// Removes what processes left in a directory that were killed while they wrote there. Files that somebody is still
/// writing are left alone. Returns what was removed.
///
/// # Errors
/// [`ImageError::File`] if the directory cannot be read or a file cannot be removed.
pub fn sweep(dir: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let failed = |source| ImageError::file("read", dir, source);
    let mut removed = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(failed)?;
        if !(kind.is_file() && name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(source)) => {
                return Err(ImageError::file("lock", &path, source));
            }
        }
        fs::remove_file(&path).map_err(|source| ImageError::file("remove", &path, source))?;
        removed.push(path);
    }
    Ok(removed)
}

/// How a file was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It shares its blocks with the other until one of them is written to (btrfs, XFS, bcachefs).
    Reflink,
    /// Byte by byte, but for its holes.
    Bytes,
}

/// Copies a file, blocking. Its blocks are shared where the file system can do that.
pub(super) fn copy(
    source: &Path,
    target: &Staged,
    cancelled: &Cancelled,
) -> Result<Copied, ImageError> {
    let from = qcow2::open(source)?;
    let failed = |error: io::Error| ImageError::file("copy", source, error);
    if reflink(&from, target).map_err(failed)? {
        return Ok(Copied::Reflink);
    }
    let size = from.metadata().map_err(failed)?.size();
    copy_bytes(&from, target.file(), size, cancelled).map_err(failed)?;
    Ok(Copied::Bytes)
}

/// Shares the blocks of a file; `false` if these file systems cannot.
pub(super) fn reflink(from: &File, target: &Staged) -> io::Result<bool> {
    match rustix::fs::ioctl_ficlone(target.file(), from) {
        Ok(()) => Ok(true),
        Err(
            Errno::OPNOTSUPP
            | Errno::XDEV
            | Errno::INVAL
            | Errno::NOTTY
            | Errno::NOSYS
            | Errno::PERM,
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Copies what is not a hole.
fn copy_bytes(mut from: &File, mut to: &File, size: u64, cancelled: &Cancelled) -> io::Result<()> {
    let mut at = 0;
    while at < size {
        cancelled.check()?;
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        at = rustix::fs::seek(from, SeekFrom::Hole(start))?.min(start + PIECE);
        from.seek(io::SeekFrom::Start(start))?;
        to.seek(io::SeekFrom::Start(start))?;
        let length = at.saturating_sub(start);
        if io::copy(&mut from.take(length), &mut to)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    to.set_len(size)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn holes_stay_holes_and_bytes_stay_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        let file = File::create(&source).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(b"in the middle", 32 << 20).unwrap();
        let staged = Staged::beside(&target).unwrap();
        copy(&source, &staged, &Cancelled::default()).unwrap();
        staged.commit(false).unwrap();
        assert!(fs::read(&source).unwrap() == fs::read(&target).unwrap());
        let taken = fs::metadata(&target).unwrap().blocks() * 512;
        assert!(taken < 4 << 20, "{taken} bytes");
    }

    #[test]
    fn what_is_dropped_leaves_nothing_and_what_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        drop(Staged::beside(&target).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::write(&target, "precious").unwrap();
        let refused = Staged::beside(&target).unwrap().commit(false);
        assert!(refused.is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        Staged::beside(&target).unwrap().commit(true).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "");
    }

    #[test]
    fn only_what_nobody_writes_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let live = Staged::beside(&dir.path().join("live")).unwrap();
        let dead = dir.path().join(".vthost-dead.part");
        fs::write(&dead, "half").unwrap();
        fs::write(dir.path().join("other.part"), "mine").unwrap();
        assert_eq!(sweep(dir.path()).unwrap(), [dead]);
        assert!(live.path().exists());
    }
}
