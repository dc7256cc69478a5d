//! What the carriers need of an ssh connection: a subsystem as a stream, a program with its streams and its status.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader, DuplexStream};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::{Result, TransferFault};
use super::names::shown;
use crate::ssh::{End, Opened, Slot, SshConnection};

/// A request that gets no answer is made again so often: nothing was started then.
const ATTEMPTS: usize = 5;
/// So much of what a program writes to its standard error is kept.
const KEPT_ERRORS: usize = 4096;

/// So much of a subsystem's output and input waits for whoever is slower.
const STREAM_BUFFER: usize = 256 * 1024;
/// So much of its input goes in one packet.
const PIECE: usize = 32 * 1024;
/// How long a program may take to end when its input has ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a server says to a request.
enum Answer {
    Yes,
    No,
    /// Nothing: it closed the channel.
    Closed,
}

impl SshConnection {
    /// Starts a subsystem; `None` if the server has none of that name.
    pub(crate) async fn open_subsystem(&self, name: &str) -> Result<Option<DuplexStream>> {
        for _ in 0..ATTEMPTS {
            let Opened {
                mut channel,
                slot,
                turn: _turn,
                ..
            } = self.open_channel(End::Own).await?;
            channel
                .request_subsystem(true, name)
                .await
                .map_err(|e| slot.failed("start subsystem", e))?;
            match answer(&mut channel).await {
                Answer::Yes => {
                    let (near, far) = tokio::io::duplex(STREAM_BUFFER);
                    tokio::spawn(carry(channel, slot, far));
                    return Ok(Some(near));
                }
                Answer::No => return Ok(None),
                Answer::Closed => {}
            }
        }
        Err(never_answered())
    }

    /// Starts a command whose streams are used as they are.
    pub(crate) async fn open_program(&self, command: Vec<u8>) -> Result<Program> {
        for _ in 0..ATTEMPTS {
            let Opened {
                mut channel,
                slot,
                turn: _turn,
                ..
            } = self.open_channel(End::Own).await?;
            channel
                .exec(true, command.as_slice())
                .await
                .map_err(|e| slot.failed("start command", e))?;
            match answer(&mut channel).await {
                Answer::Yes => return Ok(Program::new(channel, slot)),
                Answer::No => {
                    return Err(TransferFault::Refused {
                        operation: "start the command",
                        path: shown(&command),
                        reason: "the ssh server says no".to_owned(),
                    });
                }
                Answer::Closed => {}
            }
        }
        Err(never_answered())
    }
}

async fn answer(channel: &mut Channel<Msg>) -> Answer {
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Answer::Yes,
            Some(ChannelMsg::Failure) => return Answer::No,
            Some(ChannelMsg::Close) | None => return Answer::Closed,
            Some(_) => {}
        }
    }
}

/// Carries a subsystem's streams until one side ends, and sees the program off.
async fn carry(channel: Channel<Msg>, slot: Slot, stream: DuplexStream) {
    let (mut reader, control) = channel.split();
    let mut input = control.make_writer();
    let (from, mut to) = tokio::io::split(stream);
    let mut from = BufReader::with_capacity(PIECE, from);
    let output = async {
        while let Some(message) = reader.wait().await {
            // The user of the stream may be gone; the program must end all the same.
            if let ChannelMsg::Data { data } = message {
                to.write_all(&data).await.ok();
            }
        }
    };
    let sent = async {
        // Fails only if one of the sides is gone, and then it is over.
        let _ = tokio::io::copy_buf(&mut from, &mut input).await;
        let _ = control.eof().await;
    };
    tokio::pin!(output);
    let ended = tokio::select! {
        () = &mut output => true,
        () = sent => timeout(FAREWELL, output).await.is_ok(),
    };
    // Fails only if the connection is gone, and the channel with it.
    let _ = control.close().await;
    if ended {
        drop(slot);
    } else {
        slot.abandon();
    }
}

fn never_answered() -> TransferFault {
    let reason = "the ssh server closes every channel without an answer".to_owned();
    TransferFault::Lost { reason }
}

/// A program in the guest with its streams. Its channel is closed when it is dropped.
pub(crate) struct Program {
    reader: ChannelReadHalf,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    control: Arc<ChannelWriteHalf<Msg>>,
    output: VecDeque<u8>,
    errors: Vec<u8>,
    status: Option<u32>,
    ended: bool,
    /// Its place on the connection, until it is dropped.
    slot: Option<Slot>,
}

impl Program {
    fn new(channel: Channel<Msg>, slot: Slot) -> Self {
        let (reader, control) = channel.split();
        Self {
            reader,
            input: Box::new(control.make_writer()),
            control: Arc::new(control),
            output: VecDeque::new(),
            errors: Vec::new(),
            status: None,
            ended: false,
            slot: Some(slot),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.input.write_all(bytes).await {
            // What the program said last explains more than the closed channel.
            while self.fill().await {}
            return Err(self.lost(&error.to_string()));
        }
        Ok(())
    }

    pub(crate) async fn end_input(&mut self) -> Result<()> {
        let ended = self.control.eof().await;
        ended.map_err(|error| self.lost(&error.to_string()))
    }

    /// The next byte of output; `None` at its end.
    pub(crate) async fn byte(&mut self) -> Option<u8> {
        while self.output.is_empty() && self.fill().await {}
        self.output.pop_front()
    }

    /// The output up to the next line end.
    pub(crate) async fn line(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            match self.byte().await {
                Some(b'\n') => return Ok(line),
                Some(_) if line.len() >= limit => {
                    return Err(TransferFault::protocol(format!(
                        "a line of more than {limit} bytes"
                    )));
                }
                Some(byte) => line.push(byte),
                None => return Err(self.lost("the output ended within a line")),
            }
        }
    }

    /// Some output, at most so much.
    pub(crate) async fn some(&mut self, limit: usize) -> Result<Vec<u8>> {
        while self.output.is_empty() {
            if !self.fill().await {
                return Err(self.lost("the output ended within a file"));
            }
        }
        let length = self.output.len().min(limit);
        Ok(self.output.drain(..length).collect())
    }

    /// The status of the ended program; `None` if the connection ended before it.
    pub(crate) async fn status(&mut self) -> Option<u32> {
        while self.fill().await {
            self.output.clear();
        }
        self.status
    }

    /// What the program has written to its standard error, fit for a terminal.
    pub(crate) fn errors(&self) -> String {
        shown(self.errors.trim_ascii())
    }

    pub(crate) fn lost(&self, reason: &str) -> TransferFault {
        let reason = match (self.errors().as_str(), self.status) {
            ("", None) => reason.to_owned(),
            ("", Some(status)) => format!("{reason} (exit status {status})"),
            (errors, _) => format!("{reason} ({errors})"),
        };
        TransferFault::Lost { reason }
    }

    /// Takes the next message; false after the last one.
    async fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        match self.reader.wait().await {
            Some(ChannelMsg::Data { data }) => self.output.extend(&data[..]),
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                let room = KEPT_ERRORS.saturating_sub(self.errors.len());
                self.errors.extend_from_slice(&data[..data.len().min(room)]);
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(_) => {}
            None => self.ended = true,
        }
        !self.ended
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Some(slot) = self.slot.take() {
            slot.abandon();
        }
        let control = Arc::clone(&self.control);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Fails only if the connection is gone, and the channel with it.
                let _ = control.close().await;
            });
        }
    }
}
