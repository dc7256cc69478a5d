//! What the carriers need of an ssh connection: a subsystem as a stream, a program with its streams and its status.

use std::collections::VecDeque;
use std::sync::Arc;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelStream, ChannelWriteHalf};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;

use super::error::{Result, TransferFault};
use super::names::shown;
use crate::ssh::{Slot, SshConnection};

/// A request that gets no answer is made again so often. When a program ends, dropbear up to at least 2022.83 also closes the
/// channels of its connection on which nothing runs yet; then nothing was started.
const ATTEMPTS: usize = 5;
/// So much of what a program writes to its standard error is kept.
const KEPT_ERRORS: usize = 4096;

/// What a server says to a request.
enum Answer {
    Yes,
    No,
    /// Nothing: it closed the channel.
    Closed,
}

impl SshConnection {
    /// Starts a subsystem; `None` if the server has none of that name.
    pub(crate) async fn open_subsystem(
        &self,
        name: &str,
    ) -> Result<Option<(ChannelStream<Msg>, Slot)>> {
        for _ in 0..ATTEMPTS {
            let (mut channel, slot) = self.open_channel().await?;
            channel
                .request_subsystem(true, name)
                .await
                .map_err(|e| slot.failed("start subsystem", e))?;
            match answer(&mut channel).await {
                Answer::Yes => return Ok(Some((channel.into_stream(), slot))),
                Answer::No => return Ok(None),
                Answer::Closed => {}
            }
        }
        Err(never_answered())
    }

    /// Starts a command whose streams are used as they are.
    pub(crate) async fn open_program(&self, command: Vec<u8>) -> Result<Program> {
        for _ in 0..ATTEMPTS {
            let (mut channel, slot) = self.open_channel().await?;
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
    /// Its place on the connection.
    _slot: Slot,
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
            _slot: slot,
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
        let control = Arc::clone(&self.control);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Fails only if the connection is gone, and the channel with it.
                let _ = control.close().await;
            });
        }
    }
}
