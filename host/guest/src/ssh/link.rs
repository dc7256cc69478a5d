//! One ssh connection: the way from a TCP stream to an authenticated one, and channels on it.

use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::{Channel, Disconnect};
use tokio::net::TcpStream;

use super::turn::{End, Turns};
use crate::auth;
use crate::client::{Client, config};
use crate::error::{Error, Result};
use crate::target::{HostKeyPolicy, SshOptions, SshTarget};
use crate::tcp::Greeted;
use crate::transport::Ending;

pub(crate) struct Link {
    handle: Handle<Client>,
    host: String,
    port: u16,
    host_key: String,
    pub(super) ending: Ending,
    socket: SocketGuard,
    /// The server has refused a channel, and none was closed since.
    full: AtomicBool,
    turns: Turns,
    /// A program runs on it beside which no channel may be opened.
    alone: AtomicBool,
    /// A program ran on it whose end was not seen, and would be bad for whatever else begins.
    spent: AtomicBool,
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

/// A place on a connection, which is free again when this is dropped. It keeps the connection open.
pub(crate) struct Slot {
    link: Arc<Link>,
    /// Nothing else begins on the connection until the place is free again.
    alone: bool,
}

impl Slot {
    pub(crate) fn ending(&self) -> Ending {
        self.link.ending.clone()
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.link.turns
    }

    pub(crate) fn failed(&self, operation: &'static str, source: russh::Error) -> Error {
        self.link.failed(operation, source)
    }

    /// Gives the place up although the end of its program was not seen. Where programs take turns, nothing else begins on
    /// the connection then; it closes when nothing runs on it.
    pub(crate) fn abandon(self) {
        if self.link.turns.needed() {
            self.link.spent.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.link.full.store(false, Ordering::Relaxed);
        if self.alone {
            self.link.alone.store(false, Ordering::Relaxed);
        }
    }
}

impl Link {
    /// Key exchange and authentication.
    pub(super) async fn authenticate(
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
        let turns = Turns::of(greeted.greeting());
        let stream = greeted.into_stream().into_std();
        let stream = stream.map_err(|e| broken(e.into()))?;
        let socket = SocketGuard(stream.try_clone().map_err(|e| broken(e.into()))?);
        let stream = TcpStream::from_std(stream).map_err(|e| broken(e.into()))?;

        let ending = Ending::default();
        let seen = Arc::new(Mutex::new(None));
        let client = Client::new(target.host_key.clone(), Arc::clone(&seen), ending.clone());
        let login = async {
            let connected = client::connect_stream(Arc::new(config(options)), stream, client).await;
            let found = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
            let found: String = found.unwrap_or_default();
            let mut handle = match (connected, &target.host_key) {
                (Ok(handle), _) => handle,
                (Err(_), HostKeyPolicy::Pinned(expected))
                    if !found.is_empty() && found != *expected =>
                {
                    return Err(Error::HostKey {
                        host: host.clone(),
                        port: *port,
                        expected: expected.clone(),
                        found,
                    });
                }
                (Err(error), _) => return Err(broken(error)),
            };
            auth::authenticate(&mut handle, target).await?;
            Ok((handle, found))
        };
        let (handle, host_key) = match tokio::time::timeout(options.handshake_timeout, login).await
        {
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
            handle,
            host: host.clone(),
            port: *port,
            host_key,
            ending,
            socket,
            full: AtomicBool::new(false),
            turns,
            alone: AtomicBool::new(false),
            spent: AtomicBool::new(false),
        })
    }

    /// The fingerprint of the key that the server has shown.
    pub(super) fn host_key(&self) -> &str {
        &self.host_key
    }

    pub(super) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Opens a channel, or gives the reason why the server takes no more of them. It must be our turn.
    pub(super) async fn open_channel(
        self: &Arc<Self>,
        end: End,
    ) -> Result<std::result::Result<(Channel<client::Msg>, Slot), russh::Error>> {
        match self.handle.channel_open_session().await {
            Ok(channel) => {
                let alone = end == End::Own && self.turns.needed();
                if alone {
                    self.alone.store(true, Ordering::Relaxed);
                }
                let link = Arc::clone(self);
                Ok(Ok((channel, Slot { link, alone })))
            }
            Err(refusal @ russh::Error::ChannelOpenFailure(_)) => {
                self.full.store(true, Ordering::Relaxed);
                Ok(Err(refusal))
            }
            Err(error) => Err(self.failed("open channel", error)),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        [&self.full, &self.alone, &self.spent]
            .iter()
            .any(|reason| reason.load(Ordering::Relaxed))
    }

    /// Why the connection is gone, if it is.
    pub(super) fn lost(&self) -> Option<String> {
        let known = self.ending.facts().reason;
        known.or_else(|| {
            self.handle
                .is_closed()
                .then(|| "the ssh connection is closed".to_owned())
        })
    }

    /// Ends the connection with everything on it.
    pub(super) async fn close(&self) {
        self.ending.update(|facts| {
            facts
                .reason
                .get_or_insert_with(|| "the session was closed by the host".to_owned());
        });
        let farewell = self
            .handle
            .disconnect(Disconnect::ByApplication, "done", "en");
        if tokio::time::timeout(Duration::from_secs(1), farewell)
            .await
            .is_err()
        {
            // The library is stuck in a write to a dead guest.
            self.cut();
        }
    }

    /// Ends the connection without a word.
    pub(super) fn cut(&self) {
        self.ending.update(|facts| {
            facts
                .reason
                .get_or_insert_with(|| "the session was closed by the host".to_owned());
        });
        // Fails only if the connection is down already.
        let _ = self.socket.0.shutdown(Shutdown::Both);
    }

    pub(super) fn failed(&self, operation: &'static str, source: russh::Error) -> Error {
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

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
