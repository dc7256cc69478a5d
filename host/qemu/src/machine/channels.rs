//! What QEMU inherits.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;

use tokio::net::UnixStream;

use crate::cmdline::{CommandLine, macvtap_file, tap_files};
use crate::spec::{MachineSpec, Netdev};
use crate::tap;

/// The socket pairs between this process and QEMU. They are connected before QEMU exists, need no name in the file
/// system, and break when either side dies.
pub(super) struct Channels {
    pub(super) ours: HashMap<String, StdUnixStream>,
    pub(super) theirs: Vec<OwnedFd>,
    /// The descriptors of each name: one, or those of the queues of a tap.
    numbers: HashMap<String, Vec<RawFd>>,
}

impl Channels {
    /// One pair for each channel of the command line, and the devices that this process opens for QEMU.
    pub(super) fn new(command_line: &CommandLine, spec: &MachineSpec) -> io::Result<Self> {
        let mut channels = Self {
            ours: HashMap::new(),
            theirs: Vec::new(),
            numbers: HashMap::new(),
        };
        for nic in &spec.nics {
            match &nic.netdev {
                Netdev::Macvtap { device } => {
                    channels.add(macvtap_file(&nic.id), vec![open(device)?]);
                }
                Netdev::Tap { .. } => channels.add(tap_files(&nic.id), tap::open(nic)?),
                _ => {}
            }
        }
        for id in command_line.channels() {
            if channels.numbers.contains_key(id) {
                continue;
            }
            let (ours, theirs) = StdUnixStream::pair()?;
            ours.set_nonblocking(true)?;
            channels.ours.insert(id.to_owned(), ours);
            channels.add(id.to_owned(), vec![theirs.into()]);
        }
        Ok(channels)
    }

    fn add(&mut self, name: String, files: Vec<OwnedFd>) {
        let numbers = files.iter().map(AsRawFd::as_raw_fd).collect();
        self.numbers.insert(name, numbers);
        self.theirs.extend(files);
    }

    /// The other end of a channel, for a daemon: a plain blocking descriptor.
    pub(super) fn give(&mut self, id: &str) -> io::Result<OwnedFd> {
        let stream = self.ours.remove(id).ok_or(io::ErrorKind::NotFound)?;
        stream.set_nonblocking(false)?;
        Ok(stream.into())
    }

    /// The descriptors of a name, with colons between them.
    pub(super) fn numbers(&self, id: &str) -> String {
        let numbers = self.numbers.get(id).into_iter().flatten();
        let numbers: Vec<String> = numbers.map(RawFd::to_string).collect();
        numbers.join(":")
    }

    pub(super) fn take(&mut self, id: &str) -> io::Result<UnixStream> {
        let stream = self.ours.remove(id).ok_or(io::ErrorKind::NotFound)?;
        UnixStream::from_std(stream)
    }
}

/// Opens a device that QEMU is handed.
fn open(path: &Path) -> io::Result<OwnedFd> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map(OwnedFd::from).map_err(|error| {
        let text = format!("cannot open {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}
