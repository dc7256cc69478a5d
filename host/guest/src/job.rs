//! A command that runs in the guest beside the shell.

mod collect;
mod scanner;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::bytes::Regex;
use russh::Channel;
use russh::client::Msg;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::marker;
use crate::script;
use crate::shell::CommandOutput;
use crate::ssh::{Slot, SshConnection, Turns};

pub(crate) use collect::signal_name;
use collect::{Finish, Order, Output, collect, obey};
use scanner::Scanner;

/// A command started by [`SshConnection::start`](crate::SshConnection::start) on a channel of its own. Standard output and
/// standard error are merged in the order of their arrival; the newest 8 MiB are kept.
///
/// Dropping a job closes its channel: a program that still runs loses its standard streams but is not killed.
pub struct Job {
    command: String,
    output: Arc<Mutex<Output>>,
    finished: watch::Receiver<Option<Finish>>,
    orders: mpsc::Sender<Order>,
    /// Outlives the session it came from.
    connection: SshConnection,
    turns: Turns,
}

impl Job {
    /// `token` is the one that [`script::job`] was told, if the command was wrapped so.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub(crate) fn new(
        channel: Channel<Msg>,
        slot: Slot,
        command: &str,
        token: Option<&str>,
        connection: SshConnection,
    ) -> Result<Self> {
        let greeting = token.map(greeting).transpose()?;
        let end = token.map(marker::job_end);
        let scanners = end.map(|end| [Scanner::new(&end), Scanner::new(&end)]);
        let (reader, writer) = channel.split();
        let output = Arc::new(Mutex::new(Output::new(greeting)));
        let (finish, finished) = watch::channel(None);
        let (orders, orders_in) = mpsc::channel(16);
        let (rest, rest_in) = oneshot::channel();
        let turns = slot.turns().clone();
        tokio::spawn(collect(
            reader,
            scanners,
            Arc::clone(&output),
            finish,
            slot.ending(),
            rest,
        ));
        tokio::spawn(obey(writer, orders_in, finished.clone(), rest_in, slot));
        Ok(Self {
            command: command.to_owned(),
            output,
            finished,
            orders,
            connection,
            turns,
        })
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Waits for the command to end; a child that it leaves in the background does not count, even if it holds the output.
    /// `None` if the command still runs after `timeout`. May be called again, also after the end.
    ///
    /// # Errors
    /// [`Error::Gone`] with the output so far if the connection was lost or the guest did not tell a status.
    pub async fn wait(&self, time: Duration) -> Result<Option<CommandOutput>> {
        let mut finished = self.finished.clone();
        let finish = match timeout(time, finished.wait_for(Option::is_some)).await {
            Err(_) => return Ok(None),
            Ok(Ok(finish)) => (*finish).clone(),
            Ok(Err(_)) => None,
        };
        match finish {
            Some(Finish::Exit { status, signal }) => {
                let output = self.lock();
                let text = String::from_utf8_lossy(output.tail.bytes()).into_owned();
                Ok(Some(CommandOutput {
                    status,
                    signal,
                    output: text,
                    dropped: output.tail.lost(),
                }))
            }
            Some(Finish::Gone(reason)) => Err(self.gone(reason)),
            None => Err(self.gone("the job was abandoned".to_owned())),
        }
    }

    /// True while the command runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.finished.borrow().is_none()
    }

    /// What the command has written so far.
    #[must_use]
    pub fn output_so_far(&self) -> String {
        let output = self.lock();
        if output.greeting.is_some() {
            return String::new();
        }
        String::from_utf8_lossy(output.tail.bytes()).into_owned()
    }

    /// Writes to the command's standard input. Bytes are queued; a command that does not read does not block the caller
    /// before 16 calls.
    ///
    /// # Errors
    /// [`Error::Gone`] if the command's channel is closed.
    pub async fn send_stdin(&self, bytes: &[u8]) -> Result<()> {
        self.order(Order::Stdin(bytes.to_owned())).await
    }

    /// Ends the command's standard input; without it a command like `cat` never ends.
    ///
    /// # Errors
    /// [`Error::Gone`] if the command's channel is closed.
    pub async fn close_stdin(&self) -> Result<()> {
        self.order(Order::EndOfStdin).await
    }

    /// Kills the command and what it has started (SIGKILL to its process group) and waits up to `grace` for its end. This
    /// goes by a channel of its own: OpenSSH does not obey the protocol's `signal` request for root. Killing a finished
    /// command does nothing.
    ///
    /// # Errors
    /// [`Error::StepTimeout`] if the command still runs after `grace`; [`Error::Unsupported`] if the user's login shell is no
    /// POSIX shell; [`Error::Gone`] or [`Error::Ssh`] if the connection was lost.
    pub async fn kill(&self, grace: Duration) -> Result<()> {
        let kill = async {
            while self.is_running() {
                let (pid, untold) = {
                    let output = self.lock();
                    (output.pid, output.greeting.is_none() && self.is_running())
                };
                if pid.is_none() && untold {
                    return Err(Error::Unsupported {
                        operation: "killing a job whose shell is no POSIX shell",
                        kind: "ssh",
                    });
                }
                if let Some(pid) = pid {
                    let killer = self.connection.start_plain(&script::kill(pid)).await?;
                    let _turn = self.turns.take().await;
                    killer.send_stdin(b"\n").await?;
                    if let Err(error) = killer.wait(grace).await {
                        tracing::debug!(%error, "how the kill went is not known");
                    }
                    self.wait(grace).await?;
                    return Ok(());
                }
                // The shell of the command has not started yet.
                self.wait(Duration::from_millis(20)).await?;
            }
            Ok(())
        };
        match timeout(grace, kill).await {
            Ok(result) => result,
            Err(_) if !self.is_running() => Ok(()),
            Err(_) => {
                let step = format!("killing job {:?}", self.command);
                Err(Error::StepTimeout {
                    step,
                    timeout: grace,
                })
            }
        }
    }

    async fn order(&self, order: Order) -> Result<()> {
        self.orders
            .send(order)
            .await
            .map_err(|_| self.gone("the channel of the job is closed".to_owned()))
    }

    fn gone(&self, reason: String) -> Error {
        Error::Gone {
            reason,
            status: None,
            output: tail_lossy(self.lock().tail.bytes(), ERROR_OUTPUT_LIMIT),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn greeting(token: &str) -> Result<Regex> {
    let pattern = marker::job_pattern(token);
    Regex::new(&pattern).map_err(|source| Error::InvalidPattern {
        pattern,
        source: Box::new(source),
    })
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("command", &self.command)
            .field("running", &self.is_running())
            .finish()
    }
}
