//! Requests and answers on the agent's byte stream, which may hold anything: answers to earlier questions, half lines of an
//! agent that was restarted, what a hostile guest writes.

use std::hash::{BuildHasher, Hasher, RandomState};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::{AgentError, AgentResult};
use crate::escapes::sanitize;
use crate::transport::Transport;

/// Ends what the agent has read so far, and begins its answer to `guest-sync-delimited`. It is in no valid UTF-8.
const DELIMITER: u8 = 0xff;

pub(super) struct Wire {
    transport: Transport,
    /// Read and not yet used.
    buffer: Vec<u8>,
    /// Whether the next line is the answer to the next request.
    synced: bool,
    ended: bool,
    /// The longest line that is taken.
    limit: usize,
}

/// A line of the agent.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "return", borrow)]
    value: Option<&'a RawValue>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    class: String,
    desc: String,
}

impl Wire {
    pub(super) fn new(transport: Transport, limit: usize) -> Self {
        Self {
            transport,
            buffer: Vec::new(),
            synced: false,
            ended: false,
            limit,
        }
    }

    /// Sends a request and takes its answer. A call that is given up leaves the stream to be synchronised by the next one.
    pub(super) async fn ask<T: DeserializeOwned>(
        &mut self,
        command: &str,
        request: &[u8],
    ) -> AgentResult<T> {
        self.send(command, request).await?;
        self.answer(command).await
    }

    /// Takes the answer to what was sent last.
    pub(super) async fn answer<T: DeserializeOwned>(&mut self, command: &str) -> AgentResult<T> {
        let line = self.line(command).await?;
        // An answer that makes no sense may not be the last of its kind.
        let answer = understood(command, &line);
        self.synced = !matches!(answer, Err(AgentError::Malformed { .. }));
        answer
    }

    /// Sends a request, synchronising the stream before it if need be.
    pub(super) async fn send(&mut self, command: &str, request: &[u8]) -> AgentResult<()> {
        if !self.synced {
            self.sync(command).await?;
        }
        self.synced = false;
        self.write(command, request).await
    }

    /// Makes the next line be the answer to the next request: everything up to an answer with a number that only this call
    /// has asked for is thrown away.
    async fn sync(&mut self, command: &str) -> AgentResult<()> {
        let id = RandomState::new().build_hasher().finish() >> 12;
        let request =
            format!("{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{id}}}}}\n");
        self.write(command, &[&[DELIMITER], request.as_bytes()].concat())
            .await?;
        loop {
            self.skip_to_delimiter(command).await?;
            let line = self.line(command).await?;
            if understood::<u64>(command, &line).is_ok_and(|answer| answer == id) {
                return Ok(());
            }
        }
    }

    async fn write(&mut self, command: &str, bytes: &[u8]) -> AgentResult<()> {
        let writer = &mut self.transport.writer;
        let written = async {
            writer.write_all(bytes).await?;
            writer.flush().await
        };
        written.await.map_err(|source| AgentError::Write {
            command: command.to_owned(),
            source,
        })
    }

    async fn skip_to_delimiter(&mut self, command: &str) -> AgentResult<()> {
        loop {
            if let Some(place) = self.buffer.iter().rposition(|b| *b == DELIMITER) {
                self.buffer.drain(..=place);
                return Ok(());
            }
            self.buffer.clear();
            self.fill(command).await?;
        }
    }

    /// The next line, without its end. Answers to a synchronisation that was given up have their delimiter before them.
    async fn line(&mut self, command: &str) -> AgentResult<Vec<u8>> {
        let mut searched = 0;
        loop {
            let end = self.buffer[searched..].iter().position(|b| *b == b'\n');
            if let Some(end) = end {
                let rest = self.buffer.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Ok(line);
            }
            searched = self.buffer.len();
            if searched > self.limit {
                self.buffer = Vec::new();
                return Err(AgentError::TooLarge {
                    command: command.to_owned(),
                    limit: self.limit,
                });
            }
            self.fill(command).await?;
        }
    }

    async fn fill(&mut self, command: &str) -> AgentResult<()> {
        let gone = || AgentError::Gone {
            command: command.to_owned(),
        };
        if self.ended {
            return Err(gone());
        }
        self.buffer.reserve(16 * 1024);
        match self.transport.reader.read_buf(&mut self.buffer).await {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => {
                self.ended = true;
                Err(gone())
            }
        }
    }
}

/// What a line says.
fn understood<T: DeserializeOwned>(command: &str, line: &[u8]) -> AgentResult<T> {
    let malformed = |reason: String| AgentError::Malformed {
        command: command.to_owned(),
        reason: sanitize(&reason).chars().take(300).collect(),
    };
    let answer: Answer = serde_json::from_slice(line).map_err(|e| malformed(e.to_string()))?;
    match answer {
        Answer {
            error: Some(failure),
            ..
        } => Err(failure.explained(command)),
        Answer {
            value: Some(value), ..
        } => serde_json::from_str(value.get()).map_err(|e| malformed(e.to_string())),
        _ => Err(malformed("neither a result nor an error".to_owned())),
    }
}

impl Failure {
    fn explained(self, command: &str) -> AgentError {
        let command = command.to_owned();
        let shown = |text: &str| sanitize(text).chars().take(1000).collect();
        if self.class != "CommandNotFound" {
            return AgentError::Refused {
                command,
                class: shown(&self.class),
                desc: shown(&self.desc),
            };
        }
        // One class for two things, told apart by the text only.
        if self.desc.contains("disabled") || self.desc.contains("not allowed") {
            return AgentError::Disabled {
                command,
                reason: shown(&self.desc),
            };
        }
        AgentError::Unknown { command }
    }
}
