//! The transport: one task reads, one writes, callers wait for the answer with their number.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::events::Events;
use super::record::Recorder;
use crate::binary::Version;
use crate::error::QmpError;

/// The longest message taken from QEMU. Real ones stay below a few hundred KiB; more would be a QEMU gone wrong.
const LONGEST: usize = 64 << 20;

type Answer = Result<Value, QmpError>;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) version: Version,
    pub(super) events: Events,
    recorder: Recorder,
    outgoing: mpsc::UnboundedSender<Message>,
    pending: Mutex<Pending>,
}

/// What is sent: a command, perhaps with an open file.
type Message = (String, Option<OwnedFd>);

/// Who waits for an answer.
#[derive(Debug, Default)]
struct Pending {
    next: u64,
    closed: bool,
    waiting: HashMap<u64, (String, oneshot::Sender<Answer>)>,
}

impl Connection {
    /// Takes QEMU's greeting and ends the negotiation.
    pub(crate) async fn open(
        stream: UnixStream,
        recorder: Recorder,
    ) -> Result<Arc<Self>, QmpError> {
        let (read, write) = stream.into_split();
        let mut lines = Lines {
            read,
            buffer: Vec::new(),
            scanned: 0,
        };
        let greeting = lines.next().await.ok_or(QmpError::Closed)?;
        recorder.received(&greeting);
        let greeting: qapi::qmp::QapiCapabilities =
            serde_json::from_str(&greeting).map_err(|error| QmpError::Protocol {
                detail: format!("no QMP greeting: {error}"),
            })?;
        let version = &greeting.QMP.version.qemu;
        let part = |number: i64| u32::try_from(number).unwrap_or_default();
        let version = Version {
            major: part(version.major),
            minor: part(version.minor),
            micro: part(version.micro),
        };

        let (outgoing, queue) = mpsc::unbounded_channel();
        let pending = Mutex::default();
        let connection = Arc::new(Self {
            version,
            events: Events::new(),
            recorder,
            outgoing,
            pending,
        });
        tokio::spawn(write_all(write, queue));
        let reader = Arc::clone(&connection);
        tokio::spawn(async move {
            while let Some(line) = lines.next().await {
                reader.take(&line);
            }
            reader.close();
        });
        connection
            .execute("qmp_capabilities", Value::Null, None)
            .await?;
        Ok(connection)
    }

    /// Sends a command and waits for its answer, without limit.
    pub(super) async fn execute(
        &self,
        command: &str,
        arguments: Value,
        file: Option<OwnedFd>,
    ) -> Answer {
        let (sender, receiver) = oneshot::channel();
        {
            let mut pending = self.pending();
            if pending.closed {
                return Err(QmpError::Closed);
            }
            let id = pending.next;
            pending.next += 1;
            let mut message = json!({ "execute": command, "id": id });
            if !arguments.is_null() {
                message["arguments"] = arguments;
            }
            let message = message.to_string();
            self.recorder.sent(&message);
            // Sent under the lock, so that commands leave in the order of their numbers.
            let sent = self.outgoing.send((message, file));
            sent.map_err(|_| QmpError::Closed)?;
            pending.waiting.insert(id, (command.to_owned(), sender));
        }
        receiver.await.unwrap_or(Err(QmpError::Closed))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pending().closed
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message in.
    fn take(&self, line: &str) {
        let Ok(mut message) = serde_json::from_str::<Value>(line) else {
            tracing::warn!(line, "the monitor sent something that is not JSON");
            return;
        };
        self.recorder.received(line);
        if self.events.push(&message, line.len()) {
            return;
        }
        let id = message.get("id").and_then(Value::as_u64);
        let Some((command, sender)) = id.and_then(|id| self.pending().waiting.remove(&id)) else {
            tracing::warn!(line, "the monitor answered what was not asked");
            return;
        };
        let text = |field: &str| {
            message
                .pointer(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let answer = if message.get("error").is_some() {
            Err(QmpError::Command {
                command,
                class: text("/error/class"),
                desc: text("/error/desc"),
            })
        } else {
            Ok(message
                .get_mut("return")
                .map(Value::take)
                .unwrap_or_default())
        };
        // The caller may have given up.
        let _ = sender.send(answer);
    }

    /// Lets everybody know that QEMU is gone.
    fn close(&self) {
        let waiting = {
            let mut pending = self.pending();
            pending.closed = true;
            std::mem::take(&mut pending.waiting)
        };
        for (_, sender) in waiting.into_values() {
            let _ = sender.send(Err(QmpError::Closed));
        }
        self.events.close();
    }
}

/// Writes whole messages, so that a caller that gives up cannot leave half of one behind. Ends with the connection.
async fn write_all(mut write: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Message>) {
    while let Some((mut message, file)) = queue.recv().await {
        message.push('\n');
        let mut rest = message.as_bytes();
        if let Some(file) = file {
            match send_with(write.as_ref(), rest, &file).await {
                Ok(sent) => rest = &rest[sent..],
                Err(_) => return,
            }
        }
        if write.write_all(rest).await.is_err() {
            // QEMU is gone; the reader sees it, too, and answers the callers.
            return;
        }
    }
}

/// Sends the beginning of a message, and an open file with its first byte. Returns how much was sent.
async fn send_with(stream: &UnixStream, bytes: &[u8], file: &OwnedFd) -> io::Result<usize> {
    let files = [file.as_fd()];
    stream
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut extra = SendAncillaryBuffer::new(&mut space);
            extra.push(SendAncillaryMessage::ScmRights(&files));
            let parts = [IoSlice::new(bytes)];
            Ok(rustix::net::sendmsg(
                stream,
                &parts,
                &mut extra,
                SendFlags::NOSIGNAL,
            )?)
        })
        .await
}

/// Splits the stream into lines.
struct Lines {
    read: OwnedReadHalf,
    buffer: Vec<u8>,
    scanned: usize,
}

impl Lines {
    /// The next line, or `None` at the end, on an error, or if a line is too long.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer[self.scanned..]
                .iter()
                .position(|&byte| byte == b'\n')
            {
                let line: Vec<u8> = self.buffer.drain(..=self.scanned + at).collect();
                self.scanned = 0;
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                if line.is_empty() {
                    continue;
                }
                return Some(line);
            }
            self.scanned = self.buffer.len();
            if self.scanned > LONGEST {
                tracing::warn!(bytes = self.scanned, "the monitor sent an endless line");
                return None;
            }
            self.buffer.reserve(16 << 10);
            match self.read.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
