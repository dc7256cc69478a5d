//! A tree on the wire: the same in both directions.

use std::os::unix::ffi::OsStrExt;

use tokio::io::AsyncReadExt;

use super::wire::{LONGEST_NAME, Message, Wire, packed};
use crate::transfer::Carrier;
use crate::transfer::error::{Result, TransferFault};
use crate::transfer::meter::Meter;
use crate::transfer::names::{joined, shown};
use crate::transfer::sink::Sink;
use crate::transfer::source::{self, Item, Plan, Stat};

/// Sends all of a plan and DONE.
pub(super) async fn send(
    wire: &mut Wire,
    plan: &Plan,
    chunk: usize,
    meter: &mut Meter,
) -> Result<()> {
    for item in &plan.items {
        match item {
            Item::Enter { name, .. } => {
                wire.send_named(Message::CreateDir, name.as_bytes()).await?;
                meter.progress.directories += 1;
            }
            Item::Leave => wire.send_message(Message::LeaveDir).await?,
            Item::File { name, path, .. } => {
                wire.send_named(Message::CreateFile, name.as_bytes())
                    .await?;
                meter.begin(path.as_os_str().as_bytes());
                let mut file = source::open(path).await?;
                let mut bytes = Vec::with_capacity(chunk);
                loop {
                    bytes.clear();
                    let mut limited = (&mut file).take(chunk as u64);
                    let read = limited.read_to_end(&mut bytes).await;
                    read.map_err(TransferFault::local("read", path))?;
                    wire.send(&packed(&bytes)).await?;
                    meter.moved(bytes.len()).await?;
                    if bytes.len() < chunk {
                        break;
                    }
                }
                meter.file_done();
            }
            Item::Link { .. } => {
                return Err(TransferFault::Unsupported {
                    carrier: Carrier::Rss,
                    operation: "copy symbolic links",
                });
            }
        }
    }
    wire.send_message(Message::Done).await
}

/// Receives a tree up to its DONE. `admits` judges the names at the top.
pub(super) async fn receive(
    wire: &mut Wire,
    sink: &mut Sink,
    chunk: usize,
    meter: &mut Meter,
    admits: impl Fn(&[u8]) -> bool,
) -> Result<u64> {
    let (mut path, mut entries) = (Vec::<Vec<u8>>::new(), 0);
    loop {
        let message = wire.message().await?;
        match message {
            Message::CreateFile | Message::CreateDir => {
                let name = wire.packet(LONGEST_NAME).await?;
                admitted(&name, path.is_empty(), &admits)?;
                meter.entry(path.len())?;
                entries += 1;
                if message == Message::CreateDir {
                    sink.enter(&name, Stat::default())?;
                    meter.progress.directories += 1;
                    path.push(name);
                } else {
                    meter.begin(&joined(&path.join(&b'/'), &name));
                    receive_file(wire, sink, &name, chunk, meter).await?;
                }
            }
            Message::LeaveDir => {
                path.pop();
                sink.leave()?;
            }
            Message::Done if path.is_empty() => return Ok(entries),
            other => {
                return Err(TransferFault::protocol(format!("{other:?} within a tree")));
            }
        }
    }
}

async fn receive_file(
    wire: &mut Wire,
    sink: &mut Sink,
    name: &[u8],
    chunk: usize,
    meter: &mut Meter,
) -> Result<()> {
    let mut part = sink.create(name)?;
    loop {
        let bytes = wire.packet(chunk).await?;
        part.write(&bytes).await?;
        meter.moved(bytes.len()).await?;
        if bytes.len() < chunk {
            part.finish(Stat::default()).await?;
            meter.file_done();
            return Ok(());
        }
    }
}

fn admitted(name: &[u8], top: bool, admits: impl Fn(&[u8]) -> bool) -> Result<()> {
    let reason = if name.contains(&b'\\') {
        "contains a backslash"
    } else if top && !admits(name) {
        "was not asked for"
    } else {
        return Ok(());
    };
    Err(TransferFault::Name {
        name: shown(name),
        reason,
    })
}
