//! The output of a command as a stream of bytes, however much it is.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Shell;
use super::command::shorten;
use crate::adapter::Dialect;
use crate::error::{Error, Result};
use crate::expect::Piece;
use crate::limit::Limit;

/// No end of a command's output is longer, in bytes: marker, line end, and the messages of a kernel inside of it.
const LONGEST_END: usize = 4 * 1024;

/// How a command ended whose output went elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// The exit status, see [`CommandOutput::status`](crate::CommandOutput::status).
    pub status: i32,
    /// How many bytes were written.
    pub bytes: u64,
}

impl Shell {
    /// Runs a command and writes its output to `sink` as it comes: every byte, whatever its value and however many there
    /// are. A sink that is slower than the guest holds the guest up, over ssh with everything else on the connection. A sink
    /// that fails (because it has enough, say) ends the command.
    ///
    /// # Errors
    /// [`Error::Sink`]; [`Error::Unsupported`] where the shell has no markers; otherwise as
    /// [`Shell::cmd_status_output`]. What was written before stays written.
    pub async fn cmd_to(
        &mut self,
        command: &str,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
        timeout: Duration,
    ) -> Result<Streamed> {
        if self.options.dialect != Dialect::Posix {
            return Err(Error::Unsupported {
                operation: "output to a writer",
                kind: "prompt",
            });
        }
        self.enter(command).await?;
        let limit = Limit::after(timeout);
        let result = self.stream(command, sink, limit).await;
        self.leave(command, timeout, result).await
    }

    async fn stream(
        &mut self,
        command: &str,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
        limit: Limit,
    ) -> Result<Streamed> {
        let lossless = self.expect.lossless();
        let mut begun = self.begin(command, limit).await?;
        let mut bytes = 0;
        let failed = |written, source| Error::Sink {
            command: shorten(command),
            written,
            source,
        };
        let ended = loop {
            let piece = match begun.ended.take() {
                Some(ended) => Piece::Last(ended),
                None => {
                    self.expect
                        .read_piece(&begun.ends, LONGEST_END, limit)
                        .await?
                }
            };
            lossless.made_room();
            let (clean, last) = match piece {
                Piece::More(piece) => (begun.returns.clean(piece), None),
                Piece::Last(mut found) => {
                    let mut clean = begun.returns.clean(std::mem::take(&mut found.before));
                    clean.extend(begun.returns.rest());
                    (clean, Some(found))
                }
            };
            let written = tokio::time::timeout_at(limit.deadline, sink.write_all(&clean)).await;
            written
                .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
                .map_err(|source| failed(bytes, source))?;
            bytes += clean.len() as u64;
            if let Some(found) = last {
                break found;
            }
        };
        drop(lossless);
        let status = self.status_of(&begun, &ended, limit).await?;
        sink.flush().await.map_err(|source| failed(bytes, source))?;
        Ok(Streamed { status, bytes })
    }
}
