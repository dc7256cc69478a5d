//! ssh into a guest: shells on terminals of their own, and any number of jobs beside them.

mod link;
mod pool;
mod turn;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use russh::{Channel, ChannelMsg, ChannelReadHalf, client};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::expect::Expect;
use crate::job::Job;
use crate::script;
use crate::shell::{Shell, ShellOptions, Wire, token};
use crate::target::{SshOptions, SshTarget};
use crate::tcp::Greeted;
use crate::transcript::Transcript;
use crate::transport::{Ending, Transport};

use link::Link;
pub(crate) use link::Slot;
pub(crate) use pool::Opened;
use pool::Pool;
pub(crate) use turn::{End, GREETING, Turns};

/// How long the guest may take to start a program. It is slow under emulation, and busy while it boots.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a channel is asked for that the guest closes before it has started anything.
const ATTEMPTS: u32 = 10;

/// An authenticated way into a guest by ssh. Clones share it; it is closed when the last clone, shell and job are gone.
///
/// It is one TCP connection, and more when the server refuses another shell or job on it: they must show the same host key,
/// and close when nothing runs on them.
#[derive(Clone)]
pub struct SshConnection {
    pool: Arc<Pool>,
}

impl SshConnection {
    /// Connects and authenticates: one attempt, no waiting for a guest that boots
    /// ([`wait_for_login`](crate::wait_for_login) does that).
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::NoBanner`], [`Error::Handshake`], [`Error::HostKey`], [`Error::AuthRefused`],
    /// [`Error::Key`], [`Error::StepTimeout`].
    pub async fn connect(target: &SshTarget, options: &SshOptions) -> Result<Self> {
        let greeted = Greeted::new(&target.host, target.port, options.banner_timeout).await?;
        Self::authenticate(target, options, greeted).await
    }

    /// Key exchange and authentication on a connection whose server has begun to speak.
    pub(crate) async fn authenticate(
        target: &SshTarget,
        options: &SshOptions,
        greeted: Greeted,
    ) -> Result<Self> {
        let first = Link::authenticate(target, options, greeted).await?;
        let pool = Pool::new(target, options, first);
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    /// The fingerprint of the server's host key, as [`HostKeyPolicy::Pinned`](crate::HostKeyPolicy::Pinned) takes it: who
    /// knows that the machine is still the same can demand the same key at the next login.
    #[must_use]
    pub fn host_key(&self) -> &str {
        self.pool.first.host_key()
    }

    /// Opens a login shell on a terminal of its own and brings it under control.
    ///
    /// # Errors
    /// [`Error::Ssh`], [`Error::ShellNotReady`], [`Error::Gone`]; where another connection is needed also those of
    /// [`SshConnection::connect`], and [`Error::Crowded`].
    pub async fn open_shell(
        &self,
        options: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Shell> {
        let (channel, slot, link) = self.request(Request::Shell, End::Ours).await?;
        let (reader, writer) = channel.split();
        let ending = Ending::default();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (in_use, dropped) = oneshot::channel::<()>();
        let transport = Transport::new(near, writer.make_writer()).with_ending(ending.clone());
        let connection = slot.ending();
        tokio::spawn(async move {
            tokio::select! {
                () = feed(reader, far, ending, connection) => {}
                _ = dropped => {}
            }
            // The connection may live on with other channels. Fails only if it does not.
            let _ = writer.close().await;
            drop(slot);
        });
        let mut expect = Expect::new(transport, transcript);
        expect.keep(Box::new((self.clone(), link, in_use)));
        Shell::take_over_on(expect, options, Wire::Made, timeout).await
    }

    /// Starts a command on a channel of its own, beside the shell and other jobs: no terminal, the user's login shell with
    /// a fresh environment and the home directory, as `ssh host command` does.
    ///
    /// # Errors
    /// [`Error::Ssh`], [`Error::Gone`], [`Error::InvalidCommand`]; where another connection is needed also those of
    /// [`SshConnection::connect`], and [`Error::Crowded`].
    pub async fn start(&self, command: &str) -> Result<Job> {
        script::check(command)?;
        let token = token();
        let (channel, slot) = self.exec(&script::job(&token, command), End::Ours).await?;
        Job::new(channel, slot, command, Some(&token), self.clone())
    }

    /// Starts a command as it is, for a guest whose shell is no POSIX shell; the job cannot be killed.
    pub(crate) async fn start_plain(&self, command: &str) -> Result<Job> {
        script::check(command)?;
        let (channel, slot) = self.exec(command, End::Own).await?;
        Job::new(channel, slot, command, None, self.clone())
    }

    async fn exec(&self, command: &str, end: End) -> Result<(Channel<client::Msg>, Slot)> {
        if let Some(reason) = self.lost() {
            return Err(Error::Gone {
                reason,
                status: None,
                output: String::new(),
            });
        }
        let (channel, slot, _) = self.request(Request::Exec(command), end).await?;
        Ok((channel, slot))
    }

    /// A channel for whatever it is wanted, with its place on a connection.
    pub(crate) async fn open_channel(&self, end: End) -> Result<Opened> {
        self.pool.open_channel(end).await
    }

    /// Opens a channel and starts a program on it.
    ///
    /// A channel that was closed before the answer to the request has started nothing, so it is asked for again. (Dropbear
    /// does that when a program on another one ends of which we cannot tell when it will.)
    async fn request(
        &self,
        request: Request<'_>,
        end: End,
    ) -> Result<(Channel<client::Msg>, Slot, Arc<Link>)> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Opened {
                mut channel,
                slot,
                link,
                turn: _turn,
            } = self.pool.open_channel(end).await?;
            let operation = request.operation();
            request
                .send(&channel)
                .await
                .map_err(|e| link.failed(operation, e))?;
            let answer = timeout(ANSWER_TIMEOUT, answer(&mut channel)).await;
            match answer.map_err(|_| Error::StepTimeout {
                step: format!("ssh {operation} on {link:?}"),
                timeout: ANSWER_TIMEOUT,
            })? {
                Some(true) => return Ok((channel, slot, link)),
                Some(false) => return Err(link.failed(operation, russh::Error::RequestDenied)),
                None if attempts < ATTEMPTS && link.lost().is_none() => {
                    tracing::debug!(operation, connection = ?link, "the guest closed a new channel, trying again");
                }
                None => return Err(link.failed(operation, russh::Error::Disconnect)),
            }
        }
    }

    /// Why the (first) connection is gone, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.pool.first.lost()
    }

    /// How many TCP connections there are at present.
    pub async fn connections(&self) -> usize {
        self.pool.links().await.len()
    }

    /// Ends all connections with everything on them.
    pub async fn close(&self) {
        for link in self.pool.links().await {
            link.close().await;
        }
    }

    /// Like [`SshConnection::close`] without a word to the guest, for one that does not listen any more.
    pub async fn kill(&self) {
        for link in self.pool.links().await {
            link.cut();
        }
    }
}

impl fmt::Debug for SshConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshConnection({:?})", self.pool.first)
    }
}

/// A program to start on a channel.
#[derive(Clone, Copy)]
enum Request<'a> {
    /// The login shell on a terminal.
    Shell,
    /// A command without one.
    Exec(&'a str),
}

impl Request<'_> {
    fn operation(self) -> &'static str {
        match self {
            Self::Shell => "request shell",
            Self::Exec(_) => "start command",
        }
    }

    async fn send(self, channel: &Channel<client::Msg>) -> std::result::Result<(), russh::Error> {
        let command = match self {
            Self::Exec(command) => command,
            Self::Shell => {
                channel
                    .request_pty(
                        false,
                        "dumb",
                        script::COLUMNS,
                        script::ROWS,
                        0,
                        0,
                        &script::MODES,
                    )
                    .await?;
                return channel.request_shell(true).await;
            }
        };
        channel.exec(true, command).await
    }
}

/// Waits for the answer to a request; `None` if the channel is closed without one.
async fn answer(channel: &mut Channel<client::Msg>) -> Option<bool> {
    loop {
        match channel.wait().await? {
            ChannelMsg::Success => return Some(true),
            ChannelMsg::Failure => return Some(false),
            _ => {}
        }
    }
}

/// Copies the output of a shell channel to its reader and keeps what the channel says about its end.
async fn feed(
    mut channel: ChannelReadHalf,
    mut to: tokio::io::DuplexStream,
    ending: Ending,
    connection: Ending,
) {
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                let unread = to.write_all(&data).await.is_err();
                if unread {
                    return;
                }
            }
            ChannelMsg::ExitStatus { exit_status } => {
                ending.update(|facts| facts.status = i32::try_from(exit_status).ok());
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                ending.update(|facts| facts.signal = Some(crate::job::signal_name(&signal_name)));
            }
            _ => {}
        }
    }
    if let Some(reason) = connection.facts().reason {
        ending.update(|facts| facts.reason = Some(reason));
    }
}
