//! Messages and packets of the protocol, each within a bound and a time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::transfer::error::{Result, TransferFault};
use crate::transfer::names::shown;

/// What a server says first.
pub(super) const MAGIC: u32 = 0x0052_5353;
/// What a chunk may be.
pub(super) const CHUNKS: std::ops::RangeInclusive<u32> = 512..=1024 * 1024;
/// The longest path or name that is taken.
pub(super) const LONGEST_NAME: usize = 4096;
/// The longest text of an error that is taken.
const LONGEST_TEXT: usize = 64 * 1024;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Ok = 1,
    Error = 2,
    Upload = 3,
    Download = 4,
    SetPath = 5,
    CreateFile = 6,
    CreateDir = 7,
    LeaveDir = 8,
    Done = 9,
}

impl Message {
    fn from_number(number: u32) -> Option<Self> {
        use Message::{
            CreateDir, CreateFile, Done, Download, Error, LeaveDir, Ok, SetPath, Upload,
        };
        [
            Ok, Error, Upload, Download, SetPath, CreateFile, CreateDir, LeaveDir, Done,
        ]
        .into_iter()
        .find(|message| *message as u32 == number)
    }
}

/// One side of a connection.
pub(super) struct Wire {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    /// For one read or write.
    time: Duration,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, time: Duration) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            reader,
            writer,
            time,
        }
    }

    pub(super) async fn number(&mut self, what: &'static str) -> Result<u32> {
        match timeout(self.time, self.reader.read_u32_le()).await {
            Ok(Ok(number)) => Ok(number),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(self.stalled(what)),
        }
    }

    /// The next message; ERROR becomes the error it tells of.
    pub(super) async fn message(&mut self) -> Result<Message> {
        let number = self.number("a message").await?;
        match Message::from_number(number) {
            Some(Message::Error) => Err(self.told("copy").await),
            Some(message) => Ok(message),
            None => Err(TransferFault::protocol(format!(
                "{number:#x} is no message"
            ))),
        }
    }

    /// The error whose text follows.
    async fn told(&mut self, operation: &'static str) -> TransferFault {
        match self.packet(LONGEST_TEXT).await {
            Ok(text) => TransferFault::Refused {
                operation,
                path: String::new(),
                reason: shown(text.trim_ascii()),
            },
            Err(fault) => fault,
        }
    }

    /// A packet of at most so many bytes.
    pub(super) async fn packet(&mut self, limit: usize) -> Result<Vec<u8>> {
        let length = self.number("the length of a packet").await? as usize;
        if length > limit {
            return Err(TransferFault::protocol(format!(
                "a packet of {length} bytes where {limit} are the most"
            )));
        }
        let mut bytes = vec![0; length];
        match timeout(self.time, self.reader.read_exact(&mut bytes)).await {
            Ok(Ok(_)) => Ok(bytes),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(self.stalled("the content of a packet")),
        }
    }

    /// Sends some bytes. What the other side says meanwhile ends the copy: it has nothing good to say before the end.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let mut first = [0];
        let spoke = tokio::select! {
            biased;
            sent = timeout(self.time, self.writer.write_all(bytes)) => match sent {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => Some(error),
                Err(_) => return Err(self.stalled("what was sent")),
            },
            _ = self.reader.peek(&mut first) => None,
        };
        // A server that has given up says why before it closes the connection.
        match (self.message().await, spoke) {
            (Err(TransferFault::Lost { .. }), Some(error)) => Err(lost(&error)),
            (Err(fault), _) => Err(fault),
            (Ok(message), _) => Err(TransferFault::protocol(format!(
                "{message:?} before all was sent"
            ))),
        }
    }

    pub(super) async fn send_number(&mut self, number: u32) -> Result<()> {
        self.send(&number.to_le_bytes()).await
    }

    pub(super) async fn send_message(&mut self, message: Message) -> Result<()> {
        self.send_number(message as u32).await
    }

    /// Sends a message with its packet.
    pub(super) async fn send_named(&mut self, message: Message, name: &[u8]) -> Result<()> {
        let mut bytes = (message as u32).to_le_bytes().to_vec();
        bytes.extend(packed(name));
        self.send(&bytes).await
    }

    /// Ends a connection so that what was sent last arrives: unread input would make the kernel throw it away.
    pub(super) async fn farewell(mut self) {
        let last_words = async {
            self.writer.shutdown().await.ok();
            let mut rest = [0; 4096];
            while self.reader.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        };
        // A client that neither reads nor leaves is not waited for.
        let _ = timeout(Duration::from_secs(5).min(self.time), last_words).await;
    }

    fn stalled(&self, operation: &'static str) -> TransferFault {
        TransferFault::Stalled {
            operation,
            timeout: self.time,
        }
    }
}

/// A packet of these bytes.
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    // Chunks and names are far below 4 GiB.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut packet = Vec::with_capacity(4 + bytes.len());
    packet.extend_from_slice(&length.to_le_bytes());
    packet.extend_from_slice(bytes);
    packet
}

fn lost(error: &std::io::Error) -> TransferFault {
    TransferFault::Lost {
        reason: error.to_string(),
    }
}
