//! The host's side: one connection for each copy.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{MAGIC, Message, Wire};
use super::{RssTarget, tree};
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::shown;
use crate::transfer::pattern::{Part, component_of};
use crate::transfer::sink::Sink;
use crate::transfer::source::Plan;
use crate::transfer::{Carrier, Symlinks};

/// The chunk that the reference's client asks for.
const CHUNK: u32 = 64 * 1024;
/// For the TCP connection, as in the reference.
const CONNECT: Duration = Duration::from_secs(20);

/// Sends all of a plan to `remote`: a directory that is there, or a new name; the server decides.
pub(crate) async fn upload(
    target: &RssTarget,
    plan: Plan,
    remote: &[u8],
    meter: &mut Meter,
) -> Result<()> {
    let mut wire = connect(target, Message::Upload, meter).await?;
    wire.send_named(Message::SetPath, remote).await?;
    tree::send(&mut wire, &plan, CHUNK as usize, meter).await?;
    match wire.message().await? {
        Message::Ok => Ok(()),
        other => Err(TransferFault::protocol(format!(
            "{other:?} in answer to an upload"
        ))),
    }
}

/// Copies `remote`, a path or pattern in the server's notation, to `local`.
pub(crate) async fn download(
    target: &RssTarget,
    remote: &[u8],
    local: &Path,
    meter: &mut Meter,
) -> Result<()> {
    if meter.options.symlinks == Symlinks::Keep {
        return Err(TransferFault::Unsupported {
            carrier: Carrier::Rss,
            operation: "copy symbolic links",
        });
    }
    let asked = Asked::new(remote)?;
    let mut sink = Sink::open(local, asked.many)?;
    let mut wire = connect(target, Message::Download, meter).await?;
    wire.send_named(Message::SetPath, remote).await?;
    let admits = |name: &[u8]| asked.for_name(name);
    match tree::receive(&mut wire, &mut sink, CHUNK as usize, meter, admits).await? {
        0 => Err(TransferFault::NothingFound {
            pattern: shown(remote),
        }),
        _ => Ok(()),
    }
}

async fn connect(target: &RssTarget, mode: Message, meter: &Meter) -> Result<Wire> {
    let RssTarget { host, port } = target;
    let connected = timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await;
    let stream = connected
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| TransferFault::Connect {
            host: host.clone(),
            port: *port,
            source,
        })?;
    let mut wire = Wire::new(stream, meter.options.operation_timeout);
    let magic = wire.number("the connection").await?;
    if magic != MAGIC {
        return Err(TransferFault::protocol(format!(
            "{magic:#x} is not the greeting of an rss server"
        )));
    }
    wire.send_number(CHUNK).await?;
    wire.send_message(mode).await?;
    Ok(wire)
}

/// What a name at the top must look like: a guest must not choose it.
struct Asked {
    many: bool,
    /// `None` where the server expands what the host cannot.
    last: Option<Part>,
}

impl Asked {
    fn new(remote: &[u8]) -> Result<Self> {
        let mut components = remote.split(|b| matches!(b, b'/' | b'\\'));
        let last = components.rfind(|c| !c.is_empty()).unwrap_or(b"");
        let many = remote.iter().any(|b| matches!(b, b'*' | b'?'));
        // Variables, home and short names of Windows (`PROGRA~1`), drives.
        let unknown = last.iter().any(|b| matches!(b, b'%' | b'$' | b'~' | b':'));
        let last = last.to_ascii_lowercase();
        let last = match last.as_slice() {
            b"" | b"." | b".." => None,
            _ if unknown => None,
            // `*.*` means everything on Windows.
            b"*.*" => Some(component_of(b"*")?),
            last if many => Some(component_of(last)?),
            last => Some(Part::Plain(last.to_vec())),
        };
        Ok(Self { many, last })
    }

    fn for_name(&self, name: &[u8]) -> bool {
        let name = name.to_ascii_lowercase();
        match &self.last {
            None => true,
            Some(Part::Plain(last)) => *last == name,
            Some(Part::Wild(wild)) => wild.matches(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_asked_for() {
        let asked = |remote: &str, name: &str| {
            Asked::new(remote.as_bytes())
                .unwrap()
                .for_name(name.as_bytes())
        };
        for (remote, name) in [
            ("C:\\x\\a.txt", "A.TXT"),
            ("/tmp/a", "a"),
            ("/tmp/a/", "a"),
            ("C:\\*.LOG", "b.log"),
            ("C:\\*.*", "b"),
            ("%TEMP%", "anything"),
            ("C:\\", "anything"),
        ] {
            assert!(asked(remote, name), "{remote} {name}");
        }
        for (remote, name) in [
            ("/tmp/a", "b"),
            ("C:\\*.log", "b.txt"),
            ("/tmp/*", ".bashrc"),
        ] {
            assert!(!asked(remote, name), "{remote} {name}");
        }
    }
}
