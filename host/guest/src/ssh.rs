//! ssh into a guest: one connection, a shell on a terminal, and any number of jobs beside it.

use std::fmt;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::bytes::Regex;
use russh::client::{self, Handle};
use russh::{Channel, ChannelMsg, ChannelReadHalf, Disconnect, Pty};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::auth;
use crate::client::{Client, config};
use crate::error::{Error, Result};
use crate::expect::Expect;
use crate::job::Job;
use crate::script;
use crate::shell::{Shell, ShellOptions, token};
use crate::target::{HostKeyPolicy, SshOptions, SshTarget};
use crate::transcript::Transcript;
use crate::transport::{Ending, Transport};

/// An authenticated ssh connection. Clones share it; it is closed when the last clone, shell and job are gone.
#[derive(Clone)]
pub struct SshConnection {
    link: Arc<Link>,
}

struct Link {
    handle: Handle<Client>,
    host: String,
    port: u16,
    ending: Ending,
    socket: SocketGuard,
}

/// Shuts a socket down when dropped. A handshake that is given up on leaves a task of the ssh library behind, which would
/// keep its connection open in the guest for as long as the guest likes.
struct SocketGuard(std::net::TcpStream);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        // Fails only if the connection is down already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A TCP connection on which a server has begun to speak.
pub(crate) struct Greeted(TcpStream);

impl SshConnection {
    /// Connects and authenticates: one attempt, no waiting for a guest that boots
    /// ([`wait_for_login`](crate::wait_for_login) does that).
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::NoBanner`], [`Error::Handshake`], [`Error::HostKey`], [`Error::AuthRefused`],
    /// [`Error::Key`], [`Error::StepTimeout`].
    pub async fn connect(target: &SshTarget, options: &SshOptions) -> Result<Self> {
        let greeted = Self::greet(target, options.banner_timeout).await?;
        Self::authenticate(target, options, greeted).await
    }

    /// The first rung: a TCP connection whose other side has begun to speak.
    pub(crate) async fn greet(target: &SshTarget, timeout: Duration) -> Result<Greeted> {
        let SshTarget { host, port, .. } = target;
        let timeout = timeout.max(SshOptions::SHORTEST_BANNER_TIMEOUT);
        let no_banner = |reason: String| Error::NoBanner {
            host: host.clone(),
            port: *port,
            reason,
        };
        let greet = async {
            let stream = TcpStream::connect((host.as_str(), *port))
                .await
                .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
                .map_err(|source| Error::Connect {
                    host: host.clone(),
                    port: *port,
                    source,
                })?;
            match stream.peek(&mut [0; 16]).await {
                Ok(0) => Err(no_banner("the connection was closed at once".to_owned())),
                Ok(_) => Ok(Greeted(stream)),
                Err(error) => Err(no_banner(error.to_string())),
            }
        };
        match tokio::time::timeout(timeout, greet).await {
            Ok(result) => result,
            Err(_) => Err(no_banner(format!("silence for {timeout:?}"))),
        }
    }

    /// The second rung: key exchange and authentication.
    pub(crate) async fn authenticate(
        target: &SshTarget,
        options: &SshOptions,
        greeted: Greeted,
    ) -> Result<Self> {
        let SshTarget { host, port, .. } = target;
        let broken = |source: russh::Error| Error::Handshake {
            host: host.clone(),
            port: *port,
            source: Box::new(source),
        };
        let stream = greeted.0.into_std().map_err(|e| broken(e.into()))?;
        let socket = SocketGuard(stream.try_clone().map_err(|e| broken(e.into()))?);
        let stream = TcpStream::from_std(stream).map_err(|e| broken(e.into()))?;

        let ending = Ending::default();
        let refused_key = Arc::new(Mutex::new(None));
        let client = Client::new(
            target.host_key.clone(),
            Arc::clone(&refused_key),
            ending.clone(),
        );
        let login = async {
            let mut handle =
                match client::connect_stream(Arc::new(config(options)), stream, client).await {
                    Ok(handle) => handle,
                    Err(error) => {
                        let refused = refused_key
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .take();
                        return Err(match (refused, &target.host_key) {
                            (Some(found), HostKeyPolicy::Pinned(expected)) => Error::HostKey {
                                host: host.clone(),
                                port: *port,
                                expected: expected.clone(),
                                found,
                            },
                            _ => broken(error),
                        });
                    }
                };
            auth::authenticate(&mut handle, target).await?;
            Ok(handle)
        };
        let handle = match tokio::time::timeout(options.handshake_timeout, login).await {
            Ok(result) => result?,
            Err(_) => {
                let step = format!("ssh handshake with {host}:{port}");
                return Err(Error::StepTimeout {
                    step,
                    timeout: options.handshake_timeout,
                });
            }
        };
        Ok(Self {
            link: Arc::new(Link {
                handle,
                host: host.clone(),
                port: *port,
                ending,
                socket,
            }),
        })
    }

    /// Opens a login shell on a terminal of its own and brings it under control.
    ///
    /// # Errors
    /// [`Error::Ssh`], [`Error::ShellNotReady`], [`Error::Gone`].
    pub async fn open_shell(
        &self,
        options: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Shell> {
        let channel = self.open_channel().await?;
        let modes = [
            (Pty::ECHO, 0),
            (Pty::OPOST, 0),
            (Pty::ONLCR, 0),
            (Pty::IXON, 0),
            (Pty::ICANON, 1),
            (Pty::ISIG, 1),
        ];
        channel
            .request_pty(false, "dumb", script::COLUMNS, script::ROWS, 0, 0, &modes)
            .await
            .map_err(|e| self.link.failed("request terminal", e))?;
        channel
            .request_shell(false)
            .await
            .map_err(|e| self.link.failed("request shell", e))?;

        let (reader, writer) = channel.split();
        let ending = Ending::default();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (in_use, dropped) = oneshot::channel::<()>();
        let transport = Transport::new(near, writer.make_writer()).with_ending(ending.clone());
        let connection = self.link.ending.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = feed(reader, far, ending, connection) => {}
                _ = dropped => {}
            }
            // The connection may live on with other channels. Fails only if it does not.
            let _ = writer.close().await;
        });
        let mut expect = Expect::new(transport, transcript);
        expect.keep(Arc::new((Arc::clone(&self.link), in_use)));
        Shell::take_over(expect, options, timeout).await
    }

    /// Starts a command on a channel of its own, beside the shell and other jobs: no terminal, the user's login shell with
    /// a fresh environment and the home directory, as `ssh host command` does.
    ///
    /// # Errors
    /// [`Error::Ssh`], [`Error::Gone`], [`Error::InvalidCommand`].
    pub async fn start(&self, command: &str) -> Result<Job> {
        script::check(command)?;
        let token = token();
        let pattern = script::job_pattern(&token);
        let greeting = Regex::new(&pattern).map_err(|source| Error::InvalidPattern {
            pattern,
            source: Box::new(source),
        })?;
        let channel = self.exec(&script::job(&token, command)).await?;
        Ok(Job::new(channel, command, Some(greeting), self.clone()))
    }

    /// Starts a command as it is; the job cannot be killed.
    pub(crate) async fn start_plain(&self, command: &str) -> Result<Job> {
        let channel = self.exec(command).await?;
        Ok(Job::new(channel, command, None, self.clone()))
    }

    async fn exec(&self, command: &str) -> Result<Channel<client::Msg>> {
        if let Some(reason) = self.lost() {
            return Err(Error::Gone {
                reason,
                status: None,
                output: String::new(),
            });
        }
        let channel = self.open_channel().await?;
        channel
            .exec(false, command)
            .await
            .map_err(|e| self.link.failed("start command", e))?;
        Ok(channel)
    }

    async fn open_channel(&self) -> Result<Channel<client::Msg>> {
        self.link
            .handle
            .channel_open_session()
            .await
            .map_err(|e| self.link.failed("open channel", e))
    }

    pub(crate) fn ending(&self) -> Ending {
        self.link.ending.clone()
    }

    /// Why the connection is gone, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        let known = self.link.ending.facts().reason;
        known.or_else(|| {
            self.link
                .handle
                .is_closed()
                .then(|| "the ssh connection is closed".to_owned())
        })
    }

    /// Ends the connection with everything on it.
    pub async fn close(&self) {
        self.link.ending.update(|facts| {
            facts
                .reason
                .get_or_insert_with(|| "the session was closed by the host".to_owned());
        });
        let farewell = self
            .link
            .handle
            .disconnect(Disconnect::ByApplication, "done", "en");
        if tokio::time::timeout(Duration::from_secs(1), farewell)
            .await
            .is_err()
        {
            // The library is stuck in a write to a dead guest.
            let _ = self.link.socket.0.shutdown(Shutdown::Both);
        }
    }
}

impl fmt::Debug for SshConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshConnection({}:{})", self.link.host, self.link.port)
    }
}

impl Link {
    fn failed(&self, operation: &'static str, source: russh::Error) -> Error {
        match self.ending.facts().reason {
            Some(reason) => Error::Gone {
                reason,
                status: None,
                output: String::new(),
            },
            None => Error::Ssh {
                host: self.host.clone(),
                port: self.port,
                operation,
                source: Box::new(source),
            },
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
