//! A tree to the guest.

use std::os::unix::ffi::OsStrExt;

use super::write::attributes;
use super::{Sftp, text};
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{joined, shown, split_last};
use crate::transfer::source::{self, Item, Plan, Stat};

/// Sends all of a plan to `remote`.
pub(crate) async fn upload(
    sftp: &Sftp,
    plan: Plan,
    remote: &[u8],
    meter: &mut Meter,
) -> Result<()> {
    let target = sftp.target(remote, plan.many).await?;
    let (base, top) = match target {
        Target::Into(base) => (base, None),
        Target::As(base, name) => (base, Some(name)),
        Target::Special(path) => return write_to_special(sftp, &plan, &path, meter).await,
    };
    let mut dirs: Vec<(Vec<u8>, Stat)> = vec![(base, Stat::default())];
    for item in plan.items {
        let here = dirs.last().map_or(&b"."[..], |(dir, _)| dir.as_slice());
        let renamed = |name: &std::ffi::OsStr| match &top {
            Some(top) if dirs.len() == 1 => top.clone(),
            _ => name.as_bytes().to_vec(),
        };
        match item {
            Item::Enter { name, stat } => {
                let path = joined(here, &renamed(&name));
                sftp.make_dir(&path).await?;
                meter.progress.directories += 1;
                dirs.push((path, stat));
            }
            Item::Leave => {
                // Only now: a directory that may not be written to could not be filled.
                if let Some((path, stat)) = dirs.pop() {
                    sftp.set_attributes(&path, stat).await?;
                }
            }
            Item::File {
                name, path, stat, ..
            } => {
                let file = source::open(&path).await?;
                sftp.put(file, (here, &renamed(&name)), stat, meter).await?;
            }
            Item::Link { name, target } => {
                sftp.make_link(&joined(here, &renamed(&name)), target.as_bytes())
                    .await?;
                meter.progress.links += 1;
            }
        }
    }
    Ok(())
}

/// Where the top of a plan goes.
enum Target {
    /// Into a directory that is there.
    Into(Vec<u8>),
    /// Into a directory, under a new name.
    As(Vec<u8>, Vec<u8>),
    /// A device or pipe that is there.
    Special(Vec<u8>),
}

async fn write_to_special(sftp: &Sftp, plan: &Plan, path: &[u8], meter: &mut Meter) -> Result<()> {
    let [Item::File { path: local, .. }] = plan.items.as_slice() else {
        return Err(TransferFault::Refused {
            operation: "put a directory in place of",
            path: shown(path),
            reason: "it is a device".to_owned(),
        });
    };
    sftp.put_in_place(source::open(local).await?, path, meter)
        .await
}

impl Sftp {
    async fn target(&self, remote: &[u8], many: bool) -> Result<Target> {
        let (dir, name) = split_last(remote);
        let as_name = || Target::As(dir.to_vec(), name.to_vec());
        if remote.is_empty() {
            return Ok(Target::Into(b".".to_vec()));
        }
        let Some(attrs) = self.stat(remote).await? else {
            if many || remote.ends_with(b"/") {
                self.make_dir(remote).await?;
                return Ok(Target::Into(remote.to_vec()));
            }
            return Ok(as_name());
        };
        if attrs.is_dir() {
            return Ok(Target::Into(remote.to_vec()));
        }
        if many {
            return Err(TransferFault::Refused {
                operation: "copy several files to",
                path: shown(remote),
                reason: "it is no directory".to_owned(),
            });
        }
        if attrs.permissions.is_some() && !attrs.is_regular() {
            return Ok(Target::Special(remote.to_vec()));
        }
        let itself = self.lstat(remote).await?;
        if itself.is_some_and(|attrs| attrs.is_symlink()) {
            // The file it leads to is replaced, not the link.
            let real = self.real_path(remote).await?;
            let (dir, name) = split_last(&real);
            return Ok(Target::As(dir.to_vec(), name.to_vec()));
        }
        Ok(as_name())
    }

    /// Makes a directory, or takes one that is there.
    async fn make_dir(&self, path: &[u8]) -> Result<()> {
        let attrs = attributes(Stat {
            mode: Some(0o755),
            mtime: None,
        });
        let made = self.raw.mkdir(text(path)?, attrs).await;
        let made = self.checked("create the directory", path, made);
        match made {
            // The protocol has no word for "is there already".
            Err(TransferFault::Refused { .. })
                if self.stat(path).await?.is_some_and(|attrs| attrs.is_dir()) =>
            {
                Ok(())
            }
            made => made.map(drop),
        }
    }

    async fn set_attributes(&self, path: &[u8], stat: Stat) -> Result<()> {
        if stat.mode.is_none() && stat.mtime.is_none() {
            return Ok(());
        }
        let set = self.raw.setstat(text(path)?, attributes(stat)).await;
        self.checked("set the attributes of", path, set).map(drop)
    }

    async fn make_link(&self, path: &[u8], target: &[u8]) -> Result<()> {
        let is_link = |attrs: Option<russh_sftp::protocol::FileAttributes>| {
            attrs.is_some_and(|attrs| attrs.is_symlink())
        };
        if is_link(self.lstat(path).await?) {
            let removed = self.raw.remove(text(path)?).await;
            self.checked("replace the link", path, removed)?;
        }
        // OpenSSH has the two arguments the other way round than the draft of the protocol, and all others follow it.
        let made = self.raw.symlink(text(target)?, text(path)?).await;
        self.checked("create the link", path, made).map(drop)
    }
}
