//! What is copied to a guest: files of the host, found before the copy begins.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::fs::File;

use super::error::{Result, TransferFault};
use super::meter::Meter;
use super::names::shown;
use super::options::Symlinks;
use super::pattern::{self, Part};

/// A step on the way through a tree. Every `Enter` has its `Leave`.
#[derive(Debug)]
pub(crate) enum Item {
    Enter {
        name: OsString,
        stat: Stat,
    },
    Leave,
    File {
        name: OsString,
        path: PathBuf,
        stat: Stat,
    },
    Link {
        name: OsString,
        target: OsString,
    },
}

/// What goes along with the content, as far as the options want it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stat {
    /// Permission bits.
    pub(crate) mode: Option<u32>,
    /// Seconds since 1970.
    pub(crate) mtime: Option<u32>,
}

/// All that is to be sent.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    /// Whether the target must be a directory because the source is a pattern.
    pub(crate) many: bool,
}

impl Plan {
    /// Whether every name can be expressed by carriers of text.
    pub(crate) fn first_non_utf8(&self) -> Option<&OsString> {
        self.items.iter().find_map(|item| match item {
            Item::Enter { name, .. } | Item::File { name, .. } => {
                name.to_str().is_none().then_some(name)
            }
            Item::Link { name, target } => [name, target]
                .into_iter()
                .find(|text| text.to_str().is_none()),
            Item::Leave => None,
        })
    }
}

/// Finds what a path or a pattern means. A path that exists is taken as it is, whatever characters it has.
pub(crate) fn plan(local: &Path, meter: &mut Meter) -> Result<Plan> {
    let mut walk = Walk {
        plan: Plan::default(),
        meter,
        bytes: 0,
        inside: Vec::new(),
    };
    let pattern = match fs::symlink_metadata(local) {
        Ok(_) => None,
        Err(_) => pattern::parse(local.as_os_str().as_bytes())?,
    };
    match pattern {
        Some(pattern) => {
            walk.plan.many = true;
            for path in expanded(&pattern)? {
                let root = path.parent().unwrap_or(&path);
                let root = fs::canonicalize(root).map_err(TransferFault::local("find", root))?;
                walk.add(&path, name_of(&path)?, &root, 0)?;
            }
        }
        None => {
            // The one who names a link means what it leads to.
            let real = fs::canonicalize(local).map_err(TransferFault::local("find", local))?;
            walk.add(&real, name_of(local)?, &real, 0)?;
        }
    }
    if walk.plan.items.is_empty() && walk.plan.many {
        return Err(TransferFault::NothingFound {
            pattern: shown(local.as_os_str().as_bytes()),
        });
    }
    walk.meter.progress.total = Some(walk.bytes);
    Ok(walk.plan)
}

fn name_of(path: &Path) -> Result<OsString> {
    if let Some(name) = path.file_name() {
        return Ok(name.to_owned());
    }
    let real = fs::canonicalize(path).map_err(TransferFault::local("find", path))?;
    real.file_name().map(OsString::from).ok_or_else(|| {
        let nameless = std::io::Error::other("the root directory has no name");
        TransferFault::local("copy", path)(nameless)
    })
}

fn expanded(pattern: &pattern::Pattern) -> Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::from(OsString::from_vec(pattern.root.to_vec()))];
    for part in &pattern.parts {
        let mut next = Vec::new();
        for dir in found {
            match part {
                Part::Plain(name) => next.push(dir.join(OsString::from_vec(name.clone()))),
                Part::Wild(wild) => {
                    let Ok(entries) = fs::read_dir(&dir) else {
                        continue;
                    };
                    let names = entries.flatten().map(|entry| entry.file_name());
                    let names = names.filter(|name| wild.matches(name.as_bytes()));
                    next.extend(names.map(|name| dir.join(name)));
                }
            }
        }
        found = next;
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found.sort_unstable();
    Ok(found)
}

struct Walk<'a> {
    plan: Plan,
    meter: &'a mut Meter,
    bytes: u64,
    /// The directories on the way to here, so that links do not lead round in circles.
    inside: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Adds one path with all that is below it. `root` is how far a link may lead.
    fn add(&mut self, path: &Path, name: OsString, root: &Path, depth: usize) -> Result<()> {
        self.meter.entry(depth)?;
        let mut meta = fs::symlink_metadata(path).map_err(TransferFault::local("look at", path))?;
        let mut real = None;
        if meta.is_symlink() {
            if self.meter.options.symlinks == Symlinks::Keep {
                let target = fs::read_link(path)
                    .map_err(TransferFault::local("read the link", path))?
                    .into_os_string();
                self.plan.items.push(Item::Link { name, target });
                return Ok(());
            }
            match fs::canonicalize(path).and_then(|real| fs::metadata(&real).map(|m| (real, m))) {
                Ok((target, _)) if self.inside.contains(&target) => {
                    return self.skip(path, "it is a link to a directory that it is in");
                }
                Ok((target, of_target)) if target.starts_with(root) => {
                    meta = of_target;
                    real = Some(target);
                }
                Ok(_) => return self.skip(path, "it is a link that leads out of the copied tree"),
                Err(_) => return self.skip(path, "it is a link that leads nowhere"),
            }
        }
        let path = real.as_deref().unwrap_or(path);
        let stat = self.stat(&meta);
        if meta.is_file() {
            self.bytes += meta.len();
            let path = path.to_owned();
            self.plan.items.push(Item::File { name, path, stat });
        } else if meta.is_dir() {
            self.plan.items.push(Item::Enter { name, stat });
            let entries = fs::read_dir(path).map_err(TransferFault::local("list", path))?;
            let mut entries: Vec<_> = entries
                .collect::<Result<_, _>>()
                .map_err(TransferFault::local("list", path))?;
            entries.sort_unstable_by_key(fs::DirEntry::file_name);
            self.inside.push(path.to_owned());
            for entry in entries {
                self.add(&entry.path(), entry.file_name(), root, depth + 1)?;
            }
            self.inside.pop();
            self.plan.items.push(Item::Leave);
        } else {
            return self.skip(path, "it is neither file nor directory nor link");
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path, reason: &'static str) -> Result<()> {
        self.meter.skip(path.as_os_str().as_bytes(), reason);
        Ok(())
    }

    fn stat(&self, meta: &Metadata) -> Stat {
        let options = &self.meter.options;
        Stat {
            mode: options.modes.then(|| meta.mode() & 0o7777),
            mtime: options
                .times
                .then(|| u32::try_from(meta.mtime().max(0)).unwrap_or(u32::MAX)),
        }
    }
}

/// Opens a file that was found, unless something else has taken its place: opening a fifo would wait for ever.
pub(crate) async fn open(path: &Path) -> Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(TransferFault::local("open", path))?;
    let meta = file.metadata();
    let meta = meta.map_err(TransferFault::local("look at", path))?;
    if !meta.is_file() {
        let changed = std::io::Error::other("it is no regular file any more");
        return Err(TransferFault::local("open", path)(changed));
    }
    Ok(File::from_std(file))
}
