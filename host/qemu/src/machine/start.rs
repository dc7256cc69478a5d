//! From a specification to a running machine.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use super::{Forward, LAST_WORDS, Machine};
use crate::binary::Binary;
use crate::cmdline::{CommandLine, agent_channel, qmp_channel, serial_channel};
use crate::confine::Rules;
use crate::error::{QmpError, StartError};
use crate::files::Paths;
use crate::process::{Launch, Process};
use crate::qmp::{Connection, Qmp, Recorder};
use crate::serial::SerialHandle;
use crate::spec::{MachineSpec, Netdev};

/// How long QEMU may take from its start to its first words on the monitor; normal are 50 ms.
const MONITOR_LIMIT: Duration = Duration::from_secs(60);

/// How much of QEMU's output is quoted in an error.
const QUOTED: u64 = 4096;

impl Machine {
    /// Starts QEMU, paused: nothing of the guest runs before [`Machine::cont`]. Makes the directories, writes
    /// `qemu-<vm>.cmdline`, and begins the logs anew. Nothing is left running if it fails or if the future is dropped.
    ///
    /// # Errors
    /// See [`StartError`]; if QEMU refuses, the error quotes what it said.
    pub async fn start(
        spec: MachineSpec,
        binary: &Binary,
        paths: Paths,
    ) -> Result<Self, StartError> {
        let begun = Instant::now();
        let command_line =
            spec.command_line(binary, &paths)
                .map_err(|source| StartError::Spec {
                    machine: spec.name.clone(),
                    source,
                })?;
        let prepare = Prepare {
            machine: &spec.name,
        };
        prepare.step("its directories", paths.create())?;
        prepare.step(
            "its command line file",
            fs::write(paths.cmdline(&spec.name), command_line.to_string()),
        )?;
        let log = prepare.step("its log", File::create(paths.log(&spec.name)))?;
        let monitor_log =
            prepare.step("its monitor log", File::create(paths.qmp_log(&spec.name)))?;
        let mut channels = prepare.step("its channels", Channels::new(&command_line))?;
        let rules = Rules::for_machine(&spec, binary.path(), &paths).map_err(|reason| {
            StartError::Confine {
                machine: spec.name.clone(),
                reason,
            }
        })?;
        let confinement = rules.confinement.clone();

        let launch = Launch {
            program: binary.path().to_owned(),
            args: command_line.args(|id| channels.number(id)),
            run_dir: paths.run_dir().to_owned(),
            log,
            inherited: std::mem::take(&mut channels.theirs),
            ruleset: rules.into_ruleset(),
        };
        let process = Process::start(launch)
            .await
            .map_err(|source| StartError::Spawn {
                program: binary.path().to_owned(),
                source,
            })?;
        tracing::debug!(machine = spec.name, pid = process.pid(), accel = %command_line.accel(), "qemu started");

        let serials = prepare.step("its consoles", consoles(&spec, &paths, &mut channels))?;
        let agent = channels.ours.remove(agent_channel());
        let stream = prepare.step("its monitor", channels.take(qmp_channel()))?;
        let opened = tokio::time::timeout(
            MONITOR_LIMIT,
            monitor(stream, Recorder::new(monitor_log), &spec),
        )
        .await;
        let opened = opened.unwrap_or_else(|_| {
            Err(QmpError::Timeout {
                what: "greeting of the monitor".to_owned(),
                within: MONITOR_LIMIT,
            })
        });
        let (qmp, forwards) = match opened {
            Ok(opened) => opened,
            Err(source) => return Err(explain(&spec, &paths, &process, source).await),
        };
        let startup = begun.elapsed();
        tracing::debug!(machine = spec.name, ?startup, qemu = %qmp.version(), "monitor ready");
        let screendumps = AtomicU64::new(0);
        Ok(Self {
            spec,
            paths,
            command_line,
            confinement,
            process,
            qmp,
            serials,
            agent,
            forwards,
            startup,
            screendumps,
        })
    }
}

/// Names the step that failed.
struct Prepare<'a> {
    machine: &'a str,
}

impl Prepare<'_> {
    fn step<T>(&self, what: &str, result: io::Result<T>) -> Result<T, StartError> {
        result.map_err(|source| StartError::Prepare {
            machine: self.machine.to_owned(),
            what: what.to_owned(),
            source,
        })
    }
}

/// The socket pairs between this process and QEMU. They are connected before QEMU exists, need no name in the file
/// system, and break when either side dies.
struct Channels {
    ours: HashMap<String, StdUnixStream>,
    theirs: Vec<OwnedFd>,
    numbers: HashMap<String, RawFd>,
}

impl Channels {
    fn new(command_line: &CommandLine) -> io::Result<Self> {
        let mut channels = Self {
            ours: HashMap::new(),
            theirs: Vec::new(),
            numbers: HashMap::new(),
        };
        for id in command_line.channels() {
            let (ours, theirs) = StdUnixStream::pair()?;
            ours.set_nonblocking(true)?;
            channels.numbers.insert(id.to_owned(), theirs.as_raw_fd());
            channels.ours.insert(id.to_owned(), ours);
            channels.theirs.push(theirs.into());
        }
        Ok(channels)
    }

    fn number(&self, id: &str) -> RawFd {
        self.numbers.get(id).copied().unwrap_or(-1)
    }

    fn take(&mut self, id: &str) -> io::Result<UnixStream> {
        let stream = self.ours.remove(id).ok_or(io::ErrorKind::NotFound)?;
        UnixStream::from_std(stream)
    }
}

fn consoles(
    spec: &MachineSpec,
    paths: &Paths,
    channels: &mut Channels,
) -> io::Result<BTreeMap<String, SerialHandle>> {
    let mut consoles = BTreeMap::new();
    for (index, serial) in spec.serials.iter().enumerate() {
        let log = File::create(paths.serial_log(&spec.name, &serial.name, index == 0))?;
        let stream = channels.take(&serial_channel(&serial.name))?;
        consoles.insert(
            serial.name.clone(),
            SerialHandle::open(serial.name.clone(), stream, log),
        );
    }
    Ok(consoles)
}

/// Opens the monitor and asks for the ports that the kernel chose.
async fn monitor(
    stream: UnixStream,
    recorder: Recorder,
    spec: &MachineSpec,
) -> Result<(Qmp, Vec<Forward>), QmpError> {
    let qmp = Qmp::new(Connection::open(stream, recorder).await?);
    let forwarded =
        |netdev: &Netdev| matches!(netdev, Netdev::User { forwards, .. } if !forwards.is_empty());
    let forwards = if spec.nics.iter().any(|nic| forwarded(&nic.netdev)) {
        // There is no QMP command for it.
        let listing = qmp.human("info usernet").await?;
        read_forwards(spec, &listing)?
    } else {
        Vec::new()
    };
    Ok((qmp, forwards))
}

/// Finds the ports of each forward in what `info usernet` prints.
fn read_forwards(spec: &MachineSpec, listing: &str) -> Result<Vec<Forward>, QmpError> {
    let mut listed: Vec<(&str, u16, u16)> = Vec::new();
    let mut netdev = "";
    for line in listing.lines() {
        if let Some((_, rest)) = line.split_once('(')
            && let Some((name, "")) = rest.trim_end().rsplit_once("):")
        {
            netdev = name;
        } else if line.trim_start().starts_with("TCP[HOST_FORWARD]") {
            // Protocol[State]  FD  Source-Address Port  Dest-Address Port  RecvQ SendQ
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = |n: usize| fields.get(n).and_then(|field| field.parse().ok());
            if let (Some(host), Some(guest)) = (port(3), port(5)) {
                listed.push((netdev, host, guest));
            }
        }
    }
    let mut found = Vec::new();
    for nic in &spec.nics {
        let Netdev::User { forwards, .. } = &nic.netdev else {
            continue;
        };
        let id = format!("netdev_{}", nic.id);
        for forward in forwards {
            let matches = |(name, host, guest): &(&str, u16, u16)| {
                *name == id
                    && *guest == forward.guest
                    && forward.host.is_none_or(|wanted| wanted == *host)
            };
            // Taken out, so that two forwards to one port of the guest get one port each.
            let place = listed
                .iter()
                .position(matches)
                .ok_or_else(|| QmpError::Protocol {
                    detail: format!(
                        "`info usernet` does not show the forward to port {} of nic {}",
                        forward.guest, nic.id
                    ),
                })?;
            let (_, host, guest) = listed.remove(place);
            found.push(Forward {
                nic: nic.id.clone(),
                host,
                guest,
            });
        }
    }
    Ok(found)
}

/// Why the monitor did not come up: mostly because QEMU ended, and said why.
async fn explain(
    spec: &MachineSpec,
    paths: &Paths,
    process: &Process,
    source: QmpError,
) -> StartError {
    let machine = spec.name.clone();
    let closed = matches!(source, QmpError::Closed);
    let exit = if closed {
        process.wait_within(LAST_WORDS).await
    } else {
        process.exit()
    };
    match exit {
        Some(exit) => StartError::Exited {
            machine,
            status: exit.status,
            output: tail(&paths.log(&spec.name)),
        },
        None => StartError::Monitor { machine, source },
    }
}

/// The end of a log, with control characters escaped.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(QUOTED)))?;
        let mut bytes = Vec::new();
        file.take(QUOTED).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{HostForward, Nic};

    #[test]
    fn forwards_are_found_per_nic() {
        let listing = "Hub -1 (netdev_nic1):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  \
            TCP[HOST_FORWARD]   8       127.0.0.1 32777       10.0.2.15    22     0     0\r\n  \
            TCP[HOST_FORWARD]   3       127.0.0.1 40129       10.0.2.15    80     0     0\r\n\
            Hub -1 (netdev_nic2):\r\n  \
            TCP[ESTABLISHED]    9       127.0.0.1 50000       10.0.2.15    22     0     0\r\n  \
            TCP[HOST_FORWARD]   4       127.0.0.1  2222       10.0.2.15    22     0     0\r\n";
        let mut spec = MachineSpec::new("vm1");
        let fixed = Netdev::User {
            forwards: vec![HostForward {
                host: Some(2222),
                guest: 22,
            }],
            restrict: false,
        };
        spec.nics = vec![
            Nic::virtio_user("nic1", &[80, 22]),
            Nic {
                netdev: fixed,
                ..Nic::virtio_user("nic2", &[])
            },
        ];
        let forwards = read_forwards(&spec, listing).expect("all are listed");
        let shown: Vec<_> = forwards
            .iter()
            .map(|found| (found.nic.as_str(), found.host, found.guest))
            .collect();
        assert_eq!(
            shown,
            [("nic1", 40129, 80), ("nic1", 32777, 22), ("nic2", 2222, 22)]
        );

        spec.nics = vec![Nic::virtio_user("nic3", &[22])];
        let error = read_forwards(&spec, listing).expect_err("not listed");
        assert!(error.to_string().contains("port 22 of nic nic3"), "{error}");
    }
}
