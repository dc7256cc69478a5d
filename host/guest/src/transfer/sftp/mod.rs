//! Copies over the sftp subsystem of an ssh connection.

mod download;
mod read;
mod upload;
mod write;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::time::Duration;

use russh_sftp::client::error::Error;
use russh_sftp::client::rawsession::SftpResult;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::{Result, TransferFault};
use super::names::shown;
use super::options::Carrier;

pub(crate) use download::download;
pub(crate) use upload::upload;

/// The piece of one read or write. Every server takes this size, and an ssh packet has room for no more.
const PIECE: u32 = 32 * 1024 - 1024;
/// So many pieces are on their way at once: the 2 MiB that an ssh channel lets a sender be ahead.
const WINDOW: usize = 64;
/// A reply may be so large; directory listings come in packets of the server's choice.
const LARGEST_REPLY: u32 = 256 * 1024;

/// An sftp session.
pub(crate) struct Sftp {
    raw: RawSftpSession,
    /// The server can rename onto a name that is taken.
    renames_over: bool,
    timeout: Duration,
}

impl Sftp {
    /// Greets the server.
    pub(crate) async fn start(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        timeout: Duration,
    ) -> Result<Self> {
        let config = Config {
            max_packet_len: LARGEST_REPLY,
            request_timeout_secs: timeout.as_secs().max(1),
            ..Config::default()
        };
        let raw = RawSftpSession::new_with_config(stream, config);
        let mut sftp = Self {
            raw,
            renames_over: false,
            timeout,
        };
        let greeting = sftp.raw.init().await;
        let version = sftp.checked("greet", b"", greeting)?;
        let extension = version.extensions.get("posix-rename@openssh.com");
        sftp.renames_over = extension.is_some_and(|version| version == "1");
        Ok(sftp)
    }

    /// What a failed request means to the one who asks for a copy.
    fn checked<T>(&self, operation: &'static str, path: &[u8], result: SftpResult<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Status(status) => TransferFault::Refused {
                operation,
                path: shown(path),
                reason: match status.error_message.as_str() {
                    "" => status.status_code.to_string(),
                    message => shown(message.as_bytes()),
                },
            },
            Error::Timeout => TransferFault::Stalled {
                operation,
                timeout: self.timeout,
            },
            Error::UnexpectedPacket => TransferFault::protocol("an answer of the wrong kind"),
            Error::IO(reason) | Error::UnexpectedBehavior(reason) | Error::Limited(reason) => {
                TransferFault::Lost {
                    reason: format!("the sftp session ended ({})", shown(reason.as_bytes())),
                }
            }
        })
    }

    /// The attributes of what a path leads to; `None` if there is nothing.
    async fn stat(&self, path: &[u8]) -> Result<Option<FileAttributes>> {
        let found = self.raw.stat(text(path)?).await;
        self.present("look at", path, found.map(|a| a.attrs))
    }

    /// The attributes of a path itself; `None` if there is nothing.
    async fn lstat(&self, path: &[u8]) -> Result<Option<FileAttributes>> {
        let found = self.raw.lstat(text(path)?).await;
        self.present("look at", path, found.map(|a| a.attrs))
    }

    fn present<T>(
        &self,
        operation: &'static str,
        path: &[u8],
        result: SftpResult<T>,
    ) -> Result<Option<T>> {
        match result {
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            result => self.checked(operation, path, result).map(Some),
        }
    }

    /// The path without links and `..`.
    async fn real_path(&self, path: &[u8]) -> Result<Vec<u8>> {
        let answer = self.raw.realpath(text(path)?).await;
        let names = self.checked("find", path, answer)?.files;
        match names.into_iter().next() {
            Some(name) => Ok(name.filename.into_bytes()),
            None => Err(TransferFault::protocol("a path without a name")),
        }
    }
}

/// A path as the library takes it.
fn text(path: &[u8]) -> Result<&str> {
    if path.contains(&0) {
        return Err(unnameable(path, "it contains a NUL byte"));
    }
    std::str::from_utf8(path).map_err(|_| unnameable(path, "it is not valid UTF-8"))
}

fn unnameable(name: &[u8], reason: &'static str) -> TransferFault {
    TransferFault::Unnameable {
        carrier: Carrier::Sftp,
        name: shown(name),
        reason,
    }
}
