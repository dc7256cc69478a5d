//! Where what a guest sends is stored. Here the host defends itself: whatever carries the files, they are made by these
//! functions only.
//!
//! Every operation is relative to an open directory and takes one checked name, and links are never followed: neither those
//! that the guest makes nor those that something in the guest's tree leads to. So nothing can land outside the target.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::error::{Result, TransferFault};
use super::meter::Meter;
use super::names::{checked, part_name, stays_inside};
use super::source::Stat;

/// The directory on the host that a guest's files go to.
pub(crate) struct Sink {
    /// The target directory and below it those that were entered.
    levels: Vec<Level>,
    /// The one name at the top, when the target names a file or directory to be made.
    top: Option<OsString>,
    /// Whether that name is taken.
    top_used: bool,
}

struct Level {
    dir: OwnedFd,
    path: PathBuf,
    stat: Stat,
}

/// A file that is not complete yet. Unless it is finished, it vanishes with this value.
pub(crate) struct Part {
    dir: OwnedFd,
    hidden: String,
    name: OsString,
    path: PathBuf,
    file: File,
    finished: bool,
}

impl Sink {
    /// Opens the target. If it is a directory, or if there are to be several files (`many`), all goes into it; otherwise it
    /// is the new name of the one thing copied.
    pub(crate) fn open(target: &Path, many: bool) -> Result<Self> {
        let slash = target.as_os_str().as_bytes().ends_with(b"/");
        let (path, top) = if target.is_dir() {
            (target, None)
        } else if many || slash {
            std::fs::create_dir(target).map_err(TransferFault::local("create", target))?;
            (target, None)
        } else {
            let parent = match target.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            (parent, Some(checked_target(target)?))
        };
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|e| TransferFault::local("open the directory", path)(e.into()))?;
        let path = path.to_owned();
        let stat = Stat::default();
        Ok(Self {
            levels: vec![Level { dir, path, stat }],
            top,
            top_used: false,
        })
    }

    /// Goes back to the target, for a copy that starts again.
    pub(crate) fn restart(&mut self) {
        self.levels.truncate(1);
        self.top_used = false;
    }

    /// How many directories below the target.
    fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    /// Makes a directory, or takes one that is there, and goes into it.
    pub(crate) fn enter(&mut self, name: &[u8], stat: Stat) -> Result<()> {
        let (name, path) = self.place(name)?;
        let here = self.here();
        match rustix::fs::mkdirat(&here.dir, &name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(TransferFault::local("create the directory", path)(e.into())),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&here.dir, &name, flags, Mode::empty())
            .map_err(|e| TransferFault::local("enter the directory", &path)(e.into()))?;
        self.levels.push(Level { dir, path, stat });
        Ok(())
    }

    /// Goes back up; only now the directory gets its permissions, which might forbid to fill it.
    pub(crate) fn leave(&mut self) -> Result<()> {
        if self.levels.len() < 2 {
            return Err(TransferFault::protocol(
                "it leaves more directories than it entered",
            ));
        }
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        // Without the mode of the guest, that of a directory made by this user.
        let mode = level.stat.mode.map_or(0o755, |mode| mode & 0o777 | 0o700);
        settle(&level.dir, mode, level.stat.mtime)
            .map_err(|e| TransferFault::local("set the attributes of", level.path)(e.into()))
    }

    /// Begins a file.
    pub(crate) fn create(&mut self, name: &[u8]) -> Result<Part> {
        let (name, path) = self.place(name)?;
        let failed = |e: Errno| TransferFault::local("create", &path)(e.into());
        let hidden = part_name();
        let dir = self.here().dir.try_clone();
        let dir = dir.map_err(TransferFault::local("open the directory of", &path))?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(&dir, &hidden, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let file = File::from_std(file.into());
        Ok(Part {
            dir,
            hidden,
            name,
            path,
            file,
            finished: false,
        })
    }

    /// Makes a symbolic link, if it stays inside the tree; else says why not.
    pub(crate) fn link(&mut self, name: &[u8], target: &[u8], meter: &mut Meter) -> Result<()> {
        let (name, path) = self.place(name)?;
        // Counted from the top of the copied tree, not from the directory of the host that holds it.
        if let Err(reason) = stays_inside(target, self.depth().saturating_sub(1)) {
            meter.skip(path.as_os_str().as_bytes(), reason);
            return Ok(());
        }
        let dir = &self.here().dir;
        let hidden = part_name();
        let made = rustix::fs::symlinkat(OsStr::from_bytes(target), dir, &hidden).and_then(|()| {
            rustix::fs::renameat(dir, &hidden, dir, &name).inspect_err(|_| {
                // The error that counts is the one of the renaming.
                let _ = rustix::fs::unlinkat(dir, &hidden, AtFlags::empty());
            })
        });
        made.map_err(|e| TransferFault::local("create the link", path)(e.into()))?;
        meter.progress.links += 1;
        Ok(())
    }

    fn here(&self) -> &Level {
        // There is always the target itself: `leave` does not take it.
        &self.levels[self.levels.len() - 1]
    }

    fn place(&mut self, name: &[u8]) -> Result<(OsString, PathBuf)> {
        let name = checked(name)?;
        let name = match &self.top {
            Some(_) if self.depth() == 0 && self.top_used => {
                return Err(TransferFault::protocol("it sends more than was asked for"));
            }
            Some(top) if self.depth() == 0 => {
                self.top_used = true;
                top
            }
            _ => name,
        };
        Ok((name.to_owned(), self.here().path.join(name)))
    }
}

fn checked_target(target: &Path) -> Result<OsString> {
    target.file_name().map(OsString::from).ok_or_else(|| {
        let nameless = std::io::Error::other("its last component is no name");
        TransferFault::local("create", target)(nameless)
    })
}

fn settle(file: impl std::os::fd::AsFd, mode: u32, mtime: Option<u32>) -> rustix::io::Result<()> {
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    if let Some(mtime) = mtime {
        let time = Timespec {
            tv_sec: i64::from(mtime),
            tv_nsec: 0,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::futimens(&file, &times)?;
    }
    Ok(())
}

impl Part {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes).await;
        written.map_err(TransferFault::local("write", &self.path))
    }

    /// Gives the file its attributes and its name, in place of a file that had it.
    pub(crate) async fn finish(mut self, stat: Stat) -> Result<()> {
        let flushed = self.file.flush().await;
        flushed.map_err(TransferFault::local("write", &self.path))?;
        // Without the mode of the guest, that of a file made by this user.
        let mode = stat.mode.map_or(0o644, |mode| mode & 0o777);
        settle(&self.file, mode, stat.mtime)
            .and_then(|()| rustix::fs::renameat(&self.dir, &self.hidden, &self.dir, &self.name))
            .map_err(|e| TransferFault::local("finish", &self.path)(e.into()))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a file that cannot be removed.
            let _ = rustix::fs::unlinkat(&self.dir, &self.hidden, AtFlags::empty());
        }
    }
}
