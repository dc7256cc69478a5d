//! A command that runs in the guest beside the shell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::bytes::Regex;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::expect::DEFAULT_CAPACITY;
use crate::script;
use crate::shell::CommandOutput;
use crate::ssh::SshConnection;
use crate::transport::Ending;

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
}

struct Output {
    bytes: Vec<u8>,
    dropped: u64,
    /// What the shell of the job says first: its process id. `None` once it was seen (or will not come).
    greeting: Option<Regex>,
    pid: Option<u32>,
}

/// How the command ended.
#[derive(Clone, Debug)]
enum Finish {
    Exit { status: i32, signal: Option<String> },
    Gone(String),
}

enum Order {
    Stdin(Vec<u8>),
    EndOfStdin,
}

impl Job {
    /// `greeting` matches what [`script::job`] makes the guest print before the command's output.
    pub(crate) fn new(
        channel: Channel<Msg>,
        command: &str,
        greeting: Option<Regex>,
        connection: SshConnection,
    ) -> Self {
        let (reader, writer) = channel.split();
        let output = Arc::new(Mutex::new(Output {
            bytes: Vec::new(),
            dropped: 0,
            greeting,
            pid: None,
        }));
        let (finish, finished) = watch::channel(None);
        let (orders, orders_in) = mpsc::channel(16);
        tokio::spawn(collect(
            reader,
            Arc::clone(&output),
            finish,
            connection.ending(),
        ));
        tokio::spawn(obey(writer, orders_in));
        Self {
            command: command.to_owned(),
            output,
            finished,
            orders,
            connection,
        }
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Waits for the command to end; `None` if it still runs after `timeout`. May be called again, also after the end.
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
                let text = String::from_utf8_lossy(&output.bytes).into_owned();
                Ok(Some(CommandOutput {
                    status,
                    signal,
                    output: text,
                    dropped: output.dropped,
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
        String::from_utf8_lossy(&output.bytes).into_owned()
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
    /// [`Error::StepTimeout`] if the command still runs after `grace`; [`Error::Gone`] or [`Error::Ssh`] if the connection
    /// was lost.
    pub async fn kill(&self, grace: Duration) -> Result<()> {
        let kill = async {
            while self.is_running() {
                let pid = self.lock().pid;
                if let Some(pid) = pid {
                    let killer = self.connection.start_plain(&script::kill(pid)).await?;
                    killer.wait(grace).await?;
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
            output: tail_lossy(&self.lock().bytes, ERROR_OUTPUT_LIMIT),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("command", &self.command)
            .field("running", &self.is_running())
            .finish()
    }
}

/// Reads the channel to its end, so that one job's output never holds up the connection.
async fn collect(
    mut channel: ChannelReadHalf,
    output: Arc<Mutex<Output>>,
    finish: watch::Sender<Option<Finish>>,
    connection: Ending,
) {
    let mut exit = None;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                output
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(&data);
            }
            ChannelMsg::ExitStatus { exit_status } => {
                exit = Some(Finish::Exit {
                    status: i32::try_from(exit_status).unwrap_or(i32::MAX),
                    signal: None,
                });
            }
            ChannelMsg::ExitSignal {
                signal_name: signal,
                ..
            } => {
                let status = 128 + signal_number(&signal);
                exit = Some(Finish::Exit {
                    status,
                    signal: Some(signal_name(&signal)),
                });
            }
            ChannelMsg::Failure => {
                exit = Some(Finish::Gone(
                    "the guest refused to start the command".to_owned(),
                ));
            }
            _ => {}
        }
    }
    output
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .greeting = None;
    let exit = exit.unwrap_or_else(|| {
        let reason = connection.facts().reason;
        Finish::Gone(reason.unwrap_or_else(|| "the channel was closed without a status".to_owned()))
    });
    // Fails only if nobody holds the job any more.
    let _ = finish.send(Some(exit));
}

/// Carries out what the job's owner wants, until the owner is gone.
async fn obey(channel: ChannelWriteHalf<Msg>, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        let done = match order {
            Order::Stdin(bytes) => channel.data_bytes(bytes).await,
            Order::EndOfStdin => channel.eof().await,
        };
        if done.is_err() {
            return;
        }
    }
    // Fails only if the connection is gone, and the channel with it.
    let _ = channel.close().await;
}

/// A greeting that has not come within so many bytes will not come: the user's login shell is no POSIX shell.
const GREETING_WINDOW: usize = 64 * 1024;

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(greeting) = &self.greeting {
            if let Some(found) = greeting.captures(&self.bytes) {
                self.pid = found
                    .get(1)
                    .and_then(|m| std::str::from_utf8(m.as_bytes()).ok()?.parse().ok());
                let place = found.get_match().range();
                self.bytes.drain(place);
                self.greeting = None;
            } else if self.bytes.len() > GREETING_WINDOW {
                self.greeting = None;
            }
        }
        if self.bytes.len() > DEFAULT_CAPACITY + DEFAULT_CAPACITY / 8 {
            let cut = self.bytes.len() - DEFAULT_CAPACITY;
            self.bytes.drain(..cut);
            self.dropped += cut as u64;
        }
    }
}

/// The name of a signal without `SIG`.
pub(crate) fn signal_name(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// The number of a signal on Linux; the protocol carries names only.
fn signal_number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(_) => 0,
    }
}
