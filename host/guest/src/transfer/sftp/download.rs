//! A tree from the guest.

use russh_sftp::client::error::Error;
use russh_sftp::protocol::{File, FileAttributes, StatusCode};

use super::{Sftp, text, unnameable};
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{checked, joined, shown, split_last};
use crate::transfer::options::Symlinks;
use crate::transfer::pattern::{self, Part, Pattern};
use crate::transfer::sink::Sink;
use crate::transfer::source::Stat;

/// What a path or pattern in the guest means.
pub(crate) struct Found {
    entries: Vec<Entry>,
    /// Whether the target must be a directory because the source is a pattern.
    pub(crate) many: bool,
}

struct Entry {
    path: Vec<u8>,
    name: Vec<u8>,
    attrs: FileAttributes,
}

impl Sftp {
    /// Looks up a path or pattern. A path that exists is taken as it is, whatever characters it has.
    pub(crate) async fn find(&self, remote: &[u8], meter: &mut Meter) -> Result<Found> {
        let nothing = || TransferFault::NothingFound {
            pattern: shown(remote),
        };
        let path = if remote.is_empty() { b"." } else { remote };
        // The one who names a link means what it leads to.
        if let Some(attrs) = self.stat(path).await? {
            let mut name = split_last(path).1.to_vec();
            if matches!(name.as_slice(), b"" | b"." | b"..") {
                name = split_last(&self.real_path(path).await?).1.to_vec();
            }
            meter.entry(0)?;
            let path = path.to_vec();
            let entries = vec![Entry { path, name, attrs }];
            let many = false;
            return Ok(Found { entries, many });
        }
        let pattern = pattern::parse(path)?.ok_or_else(nothing)?;
        let entries = self.expanded(&pattern, meter).await?;
        if entries.is_empty() {
            return Err(nothing());
        }
        let many = true;
        Ok(Found { entries, many })
    }

    async fn expanded(&self, pattern: &Pattern, meter: &mut Meter) -> Result<Vec<Entry>> {
        let mut found = vec![pattern.root.to_vec()];
        for part in &pattern.parts {
            let mut next = Vec::new();
            for dir in found {
                match part {
                    Part::Plain(name) => next.push(joined(&dir, name)),
                    Part::Wild(wild) => {
                        // What cannot be listed has no names that match, as in a shell.
                        let listed = match self.list(&dir, 0, meter).await {
                            Err(TransferFault::Refused { .. }) => continue,
                            listed => listed?,
                        };
                        let matching = listed.into_iter().filter(|e| wild.matches(&e.name));
                        next.extend(matching.map(|entry| entry.path));
                    }
                }
            }
            found = next;
        }
        found.sort_unstable();
        let mut entries = Vec::new();
        for path in found {
            if let Some(attrs) = self.lstat(&path).await? {
                let name = split_last(&path).1.to_vec();
                entries.push(Entry { path, name, attrs });
            }
        }
        Ok(entries)
    }

    /// The entries of a directory, every name checked, as many as the limits allow.
    async fn list(&self, path: &[u8], depth: usize, meter: &mut Meter) -> Result<Vec<Entry>> {
        let opened = self.raw.opendir(text(path)?).await;
        let handle = self.checked("list", path, opened)?.handle;
        let mut entries = Vec::new();
        let listed = loop {
            let files = match self.raw.readdir(handle.as_str()).await {
                Ok(names) if names.files.is_empty() => {
                    break Err(TransferFault::protocol(
                        "a listing that goes on with nothing",
                    ));
                }
                Ok(names) => names.files,
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => {
                    break Ok(());
                }
                Err(error) => break self.checked("list", path, Err(error)),
            };
            let taken = files
                .into_iter()
                .filter(|file| file.filename != "." && file.filename != "..")
                .try_for_each(|file| entry(path, file, depth, meter).map(|e| entries.push(e)));
            if taken.is_err() {
                break taken;
            }
        };
        if listed
            .as_ref()
            .err()
            .is_none_or(TransferFault::leaves_a_connection)
        {
            // Nothing depends on the closing of a directory that was read.
            let _ = self.raw.close(handle).await;
        }
        listed.map(|()| entries)
    }
}

fn entry(dir: &[u8], file: File, depth: usize, meter: &mut Meter) -> Result<Entry> {
    let name = file.filename.into_bytes();
    checked(&name)?;
    if name.windows(3).any(|c| c == "\u{fffd}".as_bytes()) {
        // The library decodes names, and this is what is left of bytes that are no text.
        return Err(unnameable(&name, "it is not valid UTF-8"));
    }
    meter.entry(depth)?;
    let path = joined(dir, &name);
    let attrs = file.attrs;
    Ok(Entry { path, name, attrs })
}

/// Copies what was found into `sink`.
pub(crate) async fn download(
    sftp: &Sftp,
    found: Found,
    sink: &mut Sink,
    meter: &mut Meter,
) -> Result<()> {
    // What is still to be done at each level; the last one is inside all others.
    let mut open = vec![found.entries.into_iter()];
    while let Some(level) = open.last_mut() {
        let Some(mut entry) = level.next() else {
            open.pop();
            if !open.is_empty() {
                sink.leave()?;
            }
            continue;
        };
        if entry.attrs.is_symlink() {
            if meter.options.symlinks == Symlinks::Keep {
                let target = sftp.read_link(&entry.path).await?;
                sink.link(&entry.name, &target, meter)?;
                continue;
            }
            match sftp.stat(&entry.path).await {
                Ok(Some(attrs)) => entry.attrs = attrs,
                Ok(None) | Err(TransferFault::Refused { .. }) => {
                    meter.skip(&entry.path, "it is a link that leads nowhere");
                    continue;
                }
                Err(fault) => return Err(fault),
            }
        }
        let stat = Stat {
            mode: entry.attrs.permissions.filter(|_| meter.options.modes),
            mtime: entry.attrs.mtime.filter(|_| meter.options.times),
        };
        if entry.attrs.is_dir() {
            sink.enter(&entry.name, stat)?;
            meter.progress.directories += 1;
            let entries = sftp.list(&entry.path, open.len(), meter).await?;
            open.push(entries.into_iter());
        } else if entry.attrs.is_regular() || entry.attrs.permissions.is_none() {
            let mut part = sink.create(&entry.name)?;
            let size = entry.attrs.size.unwrap_or(0);
            sftp.fetch(&entry.path, size, &mut part, meter).await?;
            part.finish(stat).await?;
            meter.file_done();
        } else {
            meter.skip(&entry.path, "it is neither file nor directory nor link");
        }
    }
    Ok(())
}

impl Sftp {
    async fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let answer = self.raw.readlink(text(path)?).await;
        let names = self.checked("read the link", path, answer)?.files;
        match names.into_iter().next() {
            Some(name) => Ok(name.filename.into_bytes()),
            None => Err(TransferFault::protocol("a link without a target")),
        }
    }
}
