//! One file to the guest: written beside its place, then renamed.

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{PIECE, Sftp, WINDOW, text};
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{joined, part_name};
use crate::transfer::source::Stat;

impl Sftp {
    /// Sends a file so that it appears under its name when it is complete.
    pub(super) async fn put(
        &self,
        file: File,
        (dir, name): (&[u8], &[u8]),
        stat: Stat,
        meter: &mut Meter,
    ) -> Result<()> {
        let (path, part) = (joined(dir, name), joined(dir, part_name().as_bytes()));
        meter.begin(&path);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let sent = match self.send(file, &part, flags, stat, meter).await {
            Ok(()) => self.rename(&part, &path).await,
            Err(fault) => Err(fault),
        };
        if sent.as_ref().is_err_and(TransferFault::leaves_a_connection) {
            // The error that counts is the first one; a guest that is gone keeps the half file under its hidden name.
            let _ = self.raw.remove(text(&part)?).await;
        }
        sent?;
        meter.file_done();
        Ok(())
    }

    /// Sends a file into what is there: a device cannot be renamed to.
    pub(super) async fn put_in_place(
        &self,
        file: File,
        path: &[u8],
        meter: &mut Meter,
    ) -> Result<()> {
        meter.begin(path);
        self.send(file, path, OpenFlags::WRITE, Stat::default(), meter)
            .await?;
        meter.file_done();
        Ok(())
    }

    async fn send(
        &self,
        mut file: File,
        path: &[u8],
        flags: OpenFlags,
        stat: Stat,
        meter: &mut Meter,
    ) -> Result<()> {
        let opened = self.raw.open(text(path)?, flags, FileAttributes::empty());
        let handle = self.checked("create", path, opened.await)?.handle;
        let sent = self.send_content(&mut file, path, &handle, meter).await;
        let attrs = attributes(stat);
        let sent = match sent {
            Ok(()) if attrs.permissions.is_some() || attrs.mtime.is_some() => {
                let set = self.raw.fsetstat(handle.as_str(), attrs).await;
                self.checked("set the attributes of", path, set).map(drop)
            }
            sent => sent,
        };
        if sent
            .as_ref()
            .is_err_and(|fault| !fault.leaves_a_connection())
        {
            return sent;
        }
        let closed = self.raw.close(handle).await;
        sent?;
        self.checked("close", path, closed)?;
        Ok(())
    }

    async fn send_content(
        &self,
        file: &mut File,
        path: &[u8],
        handle: &str,
        meter: &mut Meter,
    ) -> Result<()> {
        let mut under_way = FuturesOrdered::new();
        let (mut offset, mut ended) = (0_u64, false);
        loop {
            while !ended && under_way.len() < WINDOW {
                let mut piece = Vec::with_capacity(PIECE as usize);
                let mut limited = (&mut *file).take(u64::from(PIECE));
                limited
                    .read_to_end(&mut piece)
                    .await
                    .map_err(|source| TransferFault::Local {
                        operation: "read",
                        path: meter.progress.current.clone().unwrap_or_default().into(),
                        source,
                    })?;
                let length = piece.len();
                if length == 0 {
                    ended = true;
                    break;
                }
                let write = self.raw.write(handle, offset, piece);
                under_way.push_back(async move { (length, write.await) });
                offset += length as u64;
                if meter.options.limit.is_some() {
                    break;
                }
            }
            let Some((length, written)) = under_way.next().await else {
                return Ok(());
            };
            self.checked("write", path, written)?;
            meter.moved(length).await?;
        }
    }

    /// Gives a file another name, in place of one that has it.
    async fn rename(&self, from: &[u8], to: &[u8]) -> Result<()> {
        let (old, new) = (text(from)?, text(to)?);
        if !self.renames_over {
            // Two steps where the server cannot do it in one.
            if let Err(Error::Status(_)) = self.raw.rename(old, new).await {
                let removed = self.raw.remove(new).await;
                self.checked("replace", to, removed)?;
                let renamed = self.raw.rename(old, new).await;
                self.checked("rename the complete file to", to, renamed)?;
            }
            return Ok(());
        }
        let mut names = Vec::with_capacity(8 + old.len() + new.len());
        for name in [old, new] {
            let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
            names.extend_from_slice(&length.to_be_bytes());
            names.extend_from_slice(name.as_bytes());
        }
        let answer = self.raw.extended("posix-rename@openssh.com", names).await;
        let renamed = match answer {
            Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
            Ok(Packet::Status(status)) => Err(Error::Status(status)),
            Ok(_) => Err(Error::UnexpectedPacket),
            Err(error) => Err(error),
        };
        self.checked("rename the complete file to", to, renamed)
    }
}

/// The attributes to be set in the guest.
pub(super) fn attributes(stat: Stat) -> FileAttributes {
    FileAttributes {
        permissions: stat.mode,
        atime: stat.mtime,
        mtime: stat.mtime,
        ..FileAttributes::empty()
    }
}
