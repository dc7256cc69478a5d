//! A file server that speaks the protocol, confined to one directory.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::tree;
use super::wire::{CHUNKS, LONGEST_NAME, MAGIC, Message, Wire, packed};
use crate::error::chain;
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::shown;
use crate::transfer::sink::Sink;
use crate::transfer::source::{self, Plan};
use crate::transfer::{Limits, TransferOptions};

/// So many clients are served at once; more wait.
const CLIENTS: usize = 16;

/// An rss file server for one directory: what clients call `/` is that directory, and `..` is refused.
///
/// A link inside the directory that leads out of it is followed when a client names it, as it was put there by the owner;
/// clients cannot make links.
#[derive(Clone, Debug)]
pub struct RssServer {
    root: PathBuf,
    options: TransferOptions,
}

impl RssServer {
    /// A server for `root`; `limits` bound what one copy may store there, `idle` how long a client may be silent.
    pub fn new(root: impl Into<PathBuf>, limits: Limits, idle: Duration) -> Self {
        let root = root.into();
        let options = TransferOptions {
            operation_timeout: idle,
            limits,
            ..TransferOptions::default()
        };
        Self { root, options }
    }

    /// Serves clients until the listener fails. Dropping the future ends all connections.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(&self, listener: &TcpListener) -> io::Result<()> {
        let mut clients = JoinSet::new();
        loop {
            let (stream, address) = listener.accept().await?;
            while clients.len() >= CLIENTS {
                clients.join_next().await;
            }
            let server = self.clone();
            clients.spawn(async move {
                if let Err(fault) = server.attend(stream).await {
                    tracing::info!(%address, error = %chain(&fault), "rss client failed");
                }
            });
        }
    }

    /// Serves one connection to its end.
    async fn attend(&self, stream: TcpStream) -> Result<()> {
        let mut wire = Wire::new(stream, self.options.operation_timeout);
        wire.send_number(MAGIC).await?;
        let served = self.talk(&mut wire).await;
        match served {
            Err(fault) if !matches!(fault, TransferFault::Lost { .. }) => {
                let mut answer = (Message::Error as u32).to_le_bytes().to_vec();
                answer.extend(packed(chain(&fault).as_bytes()));
                wire.send(&answer).await?;
                wire.farewell().await;
                Err(fault)
            }
            served => served,
        }
    }

    async fn talk(&self, wire: &mut Wire) -> Result<()> {
        let chunk = wire.number("the size of a chunk").await?;
        if !CHUNKS.contains(&chunk) {
            return Err(TransferFault::protocol(format!(
                "a chunk of {chunk} bytes, allowed are {CHUNKS:?}"
            )));
        }
        let chunk = chunk as usize;
        let mode = wire.message().await?;
        loop {
            match wire.message().await {
                Ok(Message::SetPath) => {}
                // Between two copies a client may leave.
                Err(TransferFault::Lost { .. }) => return Ok(()),
                Err(fault) => return Err(fault),
                Ok(other) => {
                    return Err(TransferFault::protocol(format!("{other:?} for a path")));
                }
            }
            let name = wire.packet(LONGEST_NAME).await?;
            let path = self.inside(&name)?;
            match mode {
                Message::Upload => self.store(wire, &path, &name, chunk).await?,
                Message::Download => self.give(wire, path, chunk).await?,
                other => {
                    return Err(TransferFault::protocol(format!("{other:?} for a mode")));
                }
            }
        }
    }

    async fn store(&self, wire: &mut Wire, path: &Path, name: &[u8], chunk: usize) -> Result<()> {
        let mut meter = Meter::new(&self.options);
        let path = if name.ends_with(b"/") {
            path.join("")
        } else {
            path.to_owned()
        };
        let mut sink = Sink::open(&path, false)?;
        tree::receive(wire, &mut sink, chunk, &mut meter, |_| true).await?;
        wire.send_message(Message::Ok).await
    }

    async fn give(&self, wire: &mut Wire, path: PathBuf, chunk: usize) -> Result<()> {
        let mut meter = Meter::new(&self.options);
        let options = self.options.clone();
        let found = tokio::task::spawn_blocking(move || {
            source::plan(&path, &mut Meter::new(&options)).or_else(|fault| match fault {
                // The protocol says "nothing" by sending nothing.
                TransferFault::NothingFound { .. } => Ok(Plan::default()),
                TransferFault::Local { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                    Ok(Plan::default())
                }
                fault => Err(fault),
            })
        });
        let plan = found
            .await
            .map_err(|e| TransferFault::local("read", &self.root)(e.into()))??;
        tree::send(wire, &plan, chunk, &mut meter).await
    }

    /// A client's path below the directory.
    fn inside(&self, name: &[u8]) -> Result<PathBuf> {
        let refused = |reason| TransferFault::Name {
            name: shown(name),
            reason,
        };
        if name.contains(&0) || name.contains(&b'\\') {
            return Err(refused("contains a NUL byte or a backslash"));
        }
        let mut path = self.root.clone();
        for component in Path::new(OsStr::from_bytes(name)).components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(refused("leads out of the directory"));
                }
            }
        }
        Ok(path)
    }
}
