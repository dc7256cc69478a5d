//! From a specification to a running machine.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use super::channels::Channels;
use super::{Forward, LAST_WORDS, Live, Machine, forwards};
use crate::binary::Binary;
use crate::cmdline::{CommandLine, agent_channel, qmp_channel, serial_channel};
use crate::confine::Rules;
use crate::daemon::Daemons;
use crate::error::{QmpError, StartError};
use crate::files::Paths;
use crate::process::{Launch, Process};
use crate::qmp::{Connection, Qmp, Recorder};
use crate::serial::SerialHandle;
use crate::spec::{MachineSpec, Serial};

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
                    source: Box::new(source),
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
        let mut channels = prepare.step("its channels", Channels::new(&command_line, &spec))?;
        let rules = Rules::for_machine(&spec, binary.path(), &paths).map_err(|reason| {
            StartError::Confine {
                machine: spec.name.clone(),
                reason,
            }
        })?;
        let confinement = rules.confinement.clone();
        let daemons = Daemons::start(&spec, &paths, |id| channels.give(id)).await?;
        let secrets = prepare.step("its secrets", Secrets::write(&command_line, &paths))?;

        let launch = Launch {
            program: binary.path().to_owned(),
            args: command_line.args(|id| channels.numbers(id)),
            run_dir: paths.run_dir().to_owned(),
            log,
            stderr: None,
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
        // Whoever reads them has done so by now.
        drop(secrets);
        let (qmp, forwards) = match opened {
            Ok(opened) => opened,
            Err(source) => {
                daemons.check(&spec.name)?;
                return Err(explain(&spec, &paths, &process, source).await);
            }
        };
        let startup = begun.elapsed();
        tracing::debug!(machine = spec.name, ?startup, qemu = %qmp.version(), "monitor ready");
        Ok(Self {
            spec,
            paths,
            command_line,
            confinement,
            process,
            daemons,
            qmp,
            serials,
            agent,
            forwards,
            startup,
            live: Live::default(),
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

/// Files with passphrases, which are gone when this is.
struct Secrets(Vec<std::path::PathBuf>);

impl Secrets {
    fn write(command_line: &CommandLine, paths: &Paths) -> io::Result<Self> {
        let mut files = Self(Vec::new());
        for secret in command_line.secrets() {
            let path = paths.run_dir().join(&secret.file);
            files.0.push(path.clone());
            let _ = fs::remove_file(&path);
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            file.write_all(secret.data.as_bytes())?;
        }
        Ok(files)
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn consoles(
    spec: &MachineSpec,
    paths: &Paths,
    channels: &mut Channels,
) -> io::Result<BTreeMap<String, SerialHandle>> {
    let mut consoles = BTreeMap::new();
    let all = spec.serials.iter().chain(&spec.changes.serials);
    let there = |serial: &&Serial| !spec.changes.removed.contains(&serial.name);
    for (index, serial) in all.enumerate().filter(|(_, serial)| there(serial)) {
        let log = File::create(paths.serial_log(&spec.name, &serial.name, index == 0))?;
        let stream = channels.take(&serial_channel(&serial.name))?;
        consoles.insert(
            serial.name.clone(),
            SerialHandle::open(serial.name.clone(), stream, log),
        );
    }
    Ok(consoles)
}

/// Opens the monitor.
async fn monitor(
    stream: UnixStream,
    recorder: Recorder,
    spec: &MachineSpec,
) -> Result<(Qmp, Vec<Forward>), QmpError> {
    let qmp = Qmp::new(Connection::open(stream, recorder).await?);
    let forwards = forwards::ask(&qmp, spec).await?;
    Ok((qmp, forwards))
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
pub(crate) fn tail(path: &Path) -> String {
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
