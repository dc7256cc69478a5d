//! One file from the guest.

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};

use super::{PIECE, Sftp, WINDOW, text};
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::sink::Part;

impl Sftp {
    /// Reads a file to its end into `part`. `size` is what the guest says; it decides how far reads run ahead and nothing
    /// else.
    pub(super) async fn fetch(
        &self,
        path: &[u8],
        size: u64,
        part: &mut Part,
        meter: &mut Meter,
    ) -> Result<()> {
        meter.begin(path);
        let opened = self
            .raw
            .open(text(path)?, OpenFlags::READ, FileAttributes::empty());
        let handle = self.checked("open", path, opened.await)?.handle;
        let read = self.read_content(path, &handle, size, part, meter).await;
        if read
            .as_ref()
            .err()
            .is_none_or(TransferFault::leaves_a_connection)
        {
            // Nothing depends on the closing of a file that was read.
            let _ = self.raw.close(handle).await;
        }
        read
    }

    async fn read_content(
        &self,
        path: &[u8],
        handle: &str,
        size: u64,
        part: &mut Part,
        meter: &mut Meter,
    ) -> Result<()> {
        let mut under_way = FuturesOrdered::new();
        let mut ahead = 0_u64;
        loop {
            // One read goes beyond the size: it brings the end of the file, or what was added meanwhile.
            let window = if meter.options.limit.is_some() {
                1
            } else {
                WINDOW
            };
            while under_way.is_empty() || (ahead <= size && under_way.len() < window) {
                let (offset, read) = (ahead, self.raw.read(handle, ahead, PIECE));
                under_way.push_back(async move { (offset, read.await) });
                ahead = ahead.saturating_add(u64::from(PIECE));
            }
            let Some((offset, answer)) = under_way.next().await else {
                return Ok(());
            };
            let data = match answer {
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => {
                    return Ok(());
                }
                answer => self.checked("read", path, answer)?.data,
            };
            if data.is_empty() || data.len() > PIECE as usize {
                let reason = format!("{} bytes in answer to a read of {PIECE}", data.len());
                return Err(TransferFault::protocol(reason));
            }
            part.write(&data).await?;
            meter.moved(data.len()).await?;
            if data.len() < PIECE as usize {
                // A short answer leaves a gap; what was asked beyond it is asked again.
                under_way = FuturesOrdered::new();
                ahead = offset + data.len() as u64;
            }
        }
    }
}
