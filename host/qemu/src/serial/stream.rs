//! A listener on a console.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use regex::bytes::Regex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Console, INPUT_LIMIT};
use crate::error::SerialError;

/// How much of the output is quoted in an error.
const TAIL: usize = 2000;

/// One reader's view of a console, and its keyboard. Also an [`AsyncRead`] and [`AsyncWrite`], for engines that work on
/// streams; reading ends when QEMU does.
#[derive(Debug)]
pub struct SerialStream {
    console: Arc<Console>,
    at: u64,
    lost: u64,
}

impl SerialStream {
    pub(super) fn new(console: Arc<Console>, at: u64) -> Self {
        Self {
            console,
            at,
            lost: 0,
        }
    }

    /// The next bytes, as soon as there are any; `None` when QEMU has ended and all is read. Nothing is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        poll_fn(|cx| self.poll_take(cx, usize::MAX)).await
    }

    /// Waits until the output from here on contains the pattern, and returns the output up to the end of the match.
    /// Reading goes on after the match. If the time is up, nothing is consumed.
    ///
    /// # Errors
    /// [`SerialError::Timeout`] or [`SerialError::Closed`], with the last lines printed.
    pub async fn wait_for(
        &mut self,
        pattern: &Regex,
        limit: Duration,
    ) -> Result<Vec<u8>, SerialError> {
        let awaited = format!("/{pattern}/");
        self.wait(awaited, limit, |output| {
            pattern.find(output).map(|found| found.end())
        })
        .await
    }

    /// The same for fixed bytes.
    ///
    /// # Errors
    /// As [`SerialStream::wait_for`].
    pub async fn wait_for_bytes(
        &mut self,
        bytes: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, SerialError> {
        let awaited = format!("\"{}\"", bytes.escape_ascii());
        let find = |output: &[u8]| {
            if bytes.is_empty() {
                return Some(0);
            }
            output
                .windows(bytes.len())
                .position(|window| window == bytes)
                .map(|at| at + bytes.len())
        };
        self.wait(awaited, limit, find).await
    }

    async fn wait(
        &mut self,
        awaited: String,
        limit: Duration,
        find: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, SerialError> {
        let found = poll_fn(|cx| {
            let mut state = self.console.lock();
            let (at, output) = state.ring.from(self.at);
            match find(output) {
                Some(length) => Poll::Ready(Some((at, output[..length].to_vec()))),
                None if state.closed => Poll::Ready(None),
                None => {
                    state.register(cx.waker());
                    Poll::Pending
                }
            }
        });
        let found = tokio::time::timeout(limit, found).await;
        let name = self.console.name.clone();
        match found {
            Ok(Some((at, output))) => {
                self.advance(at, output.len());
                Ok(output)
            }
            Ok(None) => Err(SerialError::Closed {
                name,
                awaited,
                tail: self.tail(),
            }),
            Err(_) => Err(SerialError::Timeout {
                name,
                awaited,
                within: limit,
                tail: self.tail(),
            }),
        }
    }

    /// Bytes that were printed but gone from the backlog before this listener read them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The end of the unread output, safe to show: control characters but line ends are escaped.
    pub(crate) fn tail(&self) -> String {
        let state = self.console.lock();
        let (_, output) = state.ring.from(self.at);
        let output = &output[output.len().saturating_sub(TAIL)..];
        let lines = output
            .split(|&byte| byte == b'\n')
            .map(|line| line.trim_ascii_end().escape_ascii().to_string());
        lines.collect::<Vec<_>>().join("\n")
    }

    fn advance(&mut self, from: u64, count: usize) {
        self.lost += from - self.at;
        self.at = from + count as u64;
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Option<Vec<u8>>> {
        let mut state = self.console.lock();
        let (at, output) = state.ring.from(self.at);
        if !output.is_empty() {
            let taken = output[..output.len().min(most)].to_vec();
            drop(state);
            self.advance(at, taken.len());
            return Poll::Ready(Some(taken));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.register(cx.waker());
        Poll::Pending
    }
}

impl AsyncRead for SerialStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.poll_take(cx, buffer.remaining()).map(|bytes| {
            buffer.put_slice(&bytes.unwrap_or_default());
            Ok(())
        })
    }
}

impl AsyncWrite for SerialStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.console.lock();
        if state.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = INPUT_LIMIT
            .saturating_sub(state.input.len())
            .min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            state.register(cx.waker());
            return Poll::Pending;
        }
        state.input.extend_from_slice(&bytes[..room]);
        drop(state);
        self.console.input.notify_one();
        Poll::Ready(Ok(room))
    }

    /// The bytes are on their way; whether the guest reads them cannot be known.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
