//! Files of the guest, read and written by the agent.

use qapi::qga::{
    GuestFileWhence, QGASeek, guest_file_close, guest_file_flush, guest_file_open, guest_file_read,
    guest_file_seek, guest_file_write,
};

use super::{Agent, AgentError, AgentResult};

/// The piece of one read or write.
const PIECE: usize = 256 * 1024;

/// A file that the agent has open. It stays open until [`GuestFile::close`]: the agent has no owner for it.
#[derive(Debug)]
pub struct GuestFile {
    agent: Agent,
    handle: i64,
}

impl Agent {
    /// Opens a file; `mode` is that of C's `fopen`: `r`, `w`, `a`, with `b` and `+`.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn file_open(&self, path: &str, mode: &str) -> AgentResult<GuestFile> {
        let (path, mode) = (path.to_owned(), Some(mode.to_owned()));
        let handle = self.execute(guest_file_open { path, mode }).await?;
        let agent = self.clone();
        Ok(GuestFile { agent, handle })
    }

    /// Reads a whole file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`AgentError::TooLarge`]; see also [`AgentError`].
    pub async fn read_file(&self, path: &str, limit: usize) -> AgentResult<Vec<u8>> {
        let mut file = self.file_open(path, "rb").await?;
        let read = file.read_to_end(limit).await;
        file.closed_after(read).await
    }

    /// Writes a whole file, in place of one that is there. It is not atomic: the agent cannot rename.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn write_file(&self, path: &str, content: &[u8]) -> AgentResult<()> {
        let mut file = self.file_open(path, "wb").await?;
        let written = match file.write_all(content).await {
            Ok(()) => file.flush().await,
            failed => failed,
        };
        file.closed_after(written).await
    }
}

impl GuestFile {
    /// Reads some bytes, at most `count`; none at the end of the file.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn read(&mut self, count: usize) -> AgentResult<Vec<u8>> {
        let count = count.min(PIECE);
        let read = guest_file_read {
            handle: self.handle,
            count: i64::try_from(count).ok(),
        };
        let got = self.agent.execute(read).await?;
        if got.buf_b64.len() > count {
            let reason = format!("{} bytes where {count} were asked for", got.buf_b64.len());
            return Err(malformed("guest-file-read", reason));
        }
        if got.buf_b64.is_empty() && !got.eof && count > 0 {
            return Err(malformed("guest-file-read", "no bytes and no end"));
        }
        Ok(got.buf_b64)
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> AgentResult<()> {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(PIECE)];
            let write = guest_file_write {
                handle: self.handle,
                buf_b64: piece.to_vec(),
                count: None,
            };
            let written = usize::try_from(self.agent.execute(write).await?.count).unwrap_or(0);
            if written == 0 || written > piece.len() {
                let reason = format!("{written} of {} bytes written", piece.len());
                return Err(malformed("guest-file-write", reason));
            }
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Moves to another place and returns it: from the start, from here, or from the end.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn seek(&mut self, to: std::io::SeekFrom) -> AgentResult<u64> {
        use std::io::SeekFrom::{Current, End, Start};
        let (offset, whence) = match to {
            Start(offset) => (i64::try_from(offset).unwrap_or(i64::MAX), QGASeek::set),
            Current(offset) => (offset, QGASeek::cur),
            End(offset) => (offset, QGASeek::end),
        };
        let seek = guest_file_seek {
            handle: self.handle,
            offset,
            whence: GuestFileWhence::name(whence),
        };
        let position = self.agent.execute(seek).await?.position;
        u64::try_from(position)
            .map_err(|_| malformed("guest-file-seek", format!("the position {position}")))
    }

    /// Hands what was written to the guest's kernel.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn flush(&mut self) -> AgentResult<()> {
        let handle = self.handle;
        self.agent.execute(guest_file_flush { handle }).await?;
        Ok(())
    }

    /// Closes the file.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn close(self) -> AgentResult<()> {
        let handle = self.handle;
        self.agent.execute(guest_file_close { handle }).await?;
        Ok(())
    }

    async fn read_to_end(&mut self, limit: usize) -> AgentResult<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let piece = self.read(PIECE).await?;
            if piece.is_empty() {
                return Ok(content);
            }
            if content.len() + piece.len() > limit {
                let command = "guest-file-read".to_owned();
                return Err(AgentError::TooLarge { command, limit });
            }
            content.extend(piece);
        }
    }

    /// Closes the file whatever came before; the first error counts.
    async fn closed_after<T>(self, result: AgentResult<T>) -> AgentResult<T> {
        if matches!(
            result,
            Err(AgentError::NoAnswer { .. } | AgentError::Gone { .. })
        ) {
            return result;
        }
        let closed = self.close().await;
        result.and_then(|value| closed.map(|()| value))
    }
}

fn malformed(command: &str, reason: impl Into<String>) -> AgentError {
    AgentError::Malformed {
        command: command.to_owned(),
        reason: reason.into(),
    }
}
