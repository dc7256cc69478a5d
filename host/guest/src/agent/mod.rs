//! The QEMU guest agent, over any byte stream: a virtio-serial port, an isa-serial port, a Unix socket.
//!
//! An [`Agent`] is one connection; clones share it and take turns. The stream is synchronised (`guest-sync-delimited`) before
//! the first command and after every one that was given up, so a late answer is never taken for the answer to another
//! question. Every command has a time ([`AgentOptions::timeout`], or [`Agent::with_timeout`]), every answer a bound, and all
//! end at once when the stream ends.

mod error;
mod exec;
mod file;
mod freeze;
mod info;
mod power;
mod wire;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use qapi::Command;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use self::wire::Wire;
use crate::transport::Transport;

pub use error::{AgentError, AgentResult};
pub use exec::{ExecOutput, ExecRequest};
pub use file::GuestFile;
pub use freeze::Frozen;
pub use power::{Shutdown, Suspend};

/// The types of the agent's commands and answers, as its schema has them.
pub use qapi::qga as schema;

/// How to deal with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentOptions {
    /// For the answer to one command, with the synchronisation before it.
    pub timeout: Duration,
    /// The longest answer that is taken, in bytes. The agent itself keeps 16 MiB of each stream of a program, which are 22
    /// on the wire.
    pub answer_limit: usize,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            answer_limit: 48 << 20,
        }
    }
}

/// The agent of one guest.
#[derive(Clone)]
pub struct Agent {
    wire: Arc<Mutex<Wire>>,
    timeout: Duration,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Request<'a, A> {
    execute: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<A>,
}

impl Agent {
    /// The agent at the other end of a stream. Nothing is sent yet: whether anybody is there shows with the first command,
    /// e.g. [`Agent::ping`].
    #[must_use]
    pub fn new(transport: Transport, options: AgentOptions) -> Self {
        let wire = Wire::new(transport, options.answer_limit);
        Self {
            wire: Arc::new(Mutex::new(wire)),
            timeout: options.timeout,
        }
    }

    /// The same agent with another time for one command.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            wire: Arc::clone(&self.wire),
            timeout,
        }
    }

    /// Carries out one command of the schema.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn execute<C: Command>(&self, command: C) -> AgentResult<C::Ok> {
        self.ask(C::NAME, Some(command)).await
    }

    /// Carries out a command that the schema may not have.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn execute_raw(
        &self,
        command: &str,
        arguments: Option<serde_json::Value>,
    ) -> AgentResult<serde_json::Value> {
        self.ask(command, arguments).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        command: &str,
        arguments: Option<impl Serialize>,
    ) -> AgentResult<T> {
        let request = request(command, arguments)?;
        let answer = async { self.wire.lock().await.ask(command, &request).await };
        self.in_time(command, answer).await
    }

    /// Sends a command whose success is silent: the guest goes down before it can say so. What the agent says within
    /// `silence` is an answer all the same.
    async fn ask_in_silence(
        &self,
        command: &str,
        arguments: Option<impl Serialize>,
        silence: Duration,
    ) -> AgentResult<()> {
        #[derive(Deserialize)]
        struct Anything {}

        let request = request(command, arguments)?;
        let mut wire = self.wire.lock().await;
        self.in_time(command, wire.send(command, &request)).await?;
        match tokio::time::timeout(silence, wire.answer::<Anything>(command)).await {
            Ok(Err(AgentError::Gone { .. })) | Err(_) => Ok(()),
            Ok(answer) => answer.map(drop),
        }
    }

    async fn in_time<T>(
        &self,
        command: &str,
        answer: impl Future<Output = AgentResult<T>>,
    ) -> AgentResult<T> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(AgentError::NoAnswer {
                command: command.to_owned(),
                timeout: self.timeout,
            }),
        }
    }
}

fn request(command: &str, arguments: Option<impl Serialize>) -> AgentResult<Vec<u8>> {
    let request = Request {
        execute: command,
        arguments,
    };
    let mut bytes = serde_json::to_vec(&request).map_err(|source| AgentError::Write {
        command: command.to_owned(),
        source: source.into(),
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}
