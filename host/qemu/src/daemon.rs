//! The programs that serve devices of a machine: `swtpm`, `virtiofsd`, `passt`.
//!
//! They are started before QEMU and talk to it over sockets that exist before either does, so there is nothing to wait
//! for. Each ends by itself when QEMU does; one that does not is killed, and told as a leftover.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binary::find_in_path;
use crate::cmdline::{daemon_socket, passt_channel, serial_channel};
use crate::confine::daemon_rules;
use crate::error::StartError;
use crate::files::Paths;
use crate::machine::tail;
use crate::process::{Launch, Process};
use crate::spec::{Filesystem, FsDriver, HostForward, MachineSpec, Netdev, Nic, Tpm, TpmBackend};

/// How long a daemon may take to end after QEMU; normal are milliseconds.
const GRACE: Duration = Duration::from_secs(1);

/// Where distributions put `virtiofsd`, which no user runs by hand.
const VIRTIOFSD: [&str; 3] = [
    "/usr/libexec/virtiofsd",
    "/usr/lib/qemu/virtiofsd",
    "/usr/lib/virtiofsd",
];

/// The daemons of one machine. Dropping it kills them.
#[derive(Debug, Default)]
pub(crate) struct Daemons(Vec<Daemon>);

#[derive(Debug)]
struct Daemon {
    /// `swtpm`.
    program: String,
    process: Process,
    log: PathBuf,
}

/// A daemon that is to be started.
struct Plan {
    /// Its device.
    device: String,
    program: PathBuf,
    args: Vec<OsString>,
    inherited: OwnedFd,
    /// The directory it serves, if that is what it does.
    serves: Option<PathBuf>,
    /// It builds a sandbox of its own, for which it needs what Landlock forbids.
    own_sandbox: bool,
}

impl Daemons {
    /// Starts all that the machine needs. `give` hands out the end of a channel to QEMU.
    pub(crate) async fn start(
        spec: &MachineSpec,
        paths: &Paths,
        mut give: impl FnMut(&str) -> io::Result<OwnedFd>,
    ) -> Result<Self, StartError> {
        let prepare = |what: String| {
            move |source| StartError::Prepare {
                machine: spec.name.clone(),
                what,
                source,
            }
        };
        let mut plans = Vec::new();
        for tpm in &spec.tpms {
            if let TpmBackend::Emulator { program, version2 } = &tpm.backend {
                let program = find(spec, program.as_deref(), "swtpm", &[], &tpm.id)?;
                let end = give(&serial_channel(&tpm.id)).map_err(prepare(tpm.id.clone()))?;
                let plan = swtpm(tpm, program, *version2, paths, end);
                plans.push(plan.map_err(prepare(tpm.id.clone()))?);
            }
        }
        for filesystem in &spec.filesystems {
            if let FsDriver::Virtiofs { program, args } = &filesystem.driver {
                let id = &filesystem.id;
                let program = find(spec, program.as_deref(), "virtiofsd", &VIRTIOFSD, id)?;
                let plan = virtiofsd(filesystem, program, args, paths);
                plans.push(plan.map_err(prepare(id.clone()))?);
            }
        }
        for nic in &spec.nics {
            if let Netdev::Passt { program, forwards } = &nic.netdev {
                let program = find(spec, program.as_deref(), "passt", &[], &nic.id)?;
                let end = give(&passt_channel(&nic.id)).map_err(prepare(nic.id.clone()))?;
                plans.push(passt(nic, program, forwards, end));
            }
        }
        let mut daemons = Self::default();
        for plan in plans {
            daemons.0.push(launch(spec, paths, plan).await?);
        }
        Ok(daemons)
    }

    /// Tells of the first one that has ended.
    pub(crate) fn check(&self, machine: &str) -> Result<(), StartError> {
        let ended = self
            .0
            .iter()
            .find_map(|daemon| Some((daemon, daemon.process.exit()?)));
        match ended {
            Some((daemon, exit)) if !exit.status.success() => Err(StartError::Daemon {
                machine: machine.to_owned(),
                program: daemon.program.clone(),
                status: exit.status,
                output: tail(&daemon.log),
            }),
            _ => Ok(()),
        }
    }

    /// Waits for all to end, now that QEMU has; the ones that do not are killed and named.
    pub(crate) async fn end(&self) -> Vec<String> {
        let mut left = Vec::new();
        for daemon in &self.0 {
            if daemon.process.wait_within(GRACE).await.is_none() {
                left.push(format!("{} {}", daemon.process.pid(), daemon.program));
                daemon.process.kill();
            }
        }
        left
    }
}

/// The program that was named, or the one of that name.
fn find(
    spec: &MachineSpec,
    named: Option<&Path>,
    name: &str,
    places: &[&str],
    device: &str,
) -> Result<PathBuf, StartError> {
    let found = match named {
        Some(path) => Some(path.to_owned()).filter(|path| path.is_file()),
        None => find_in_path(name).or_else(|| {
            let mut places = places.iter().map(PathBuf::from);
            places.find(|path| path.is_file())
        }),
    };
    found.ok_or_else(|| StartError::NoDaemon {
        machine: spec.name.clone(),
        program: named.map_or_else(|| name.to_owned(), |path| path.display().to_string()),
        what: device.to_owned(),
    })
}

fn swtpm(
    tpm: &Tpm,
    program: PathBuf,
    version2: bool,
    paths: &Paths,
    end: OwnedFd,
) -> io::Result<Plan> {
    let state = paths.run_dir().join(format!("swtpm-{}", tpm.id));
    fs::create_dir_all(&state)?;
    let state = state
        .to_str()
        .ok_or_else(|| io::Error::other("the run directory is no UTF-8"))?;
    let mut args = vec!["socket".to_owned()];
    args.extend(version2.then(|| "--tpm2".to_owned()));
    args.extend([
        "--terminate".to_owned(),
        "--ctrl".to_owned(),
        format!("type=unixio,clientfd={}", end.as_raw_fd()),
        "--tpmstate".to_owned(),
        format!("dir={state},mode=0600"),
    ]);
    Ok(Plan {
        device: tpm.id.clone(),
        program,
        args: args.into_iter().map(OsString::from).collect(),
        inherited: end,
        serves: None,
        own_sandbox: false,
    })
}

fn virtiofsd(
    filesystem: &Filesystem,
    program: PathBuf,
    more: &[String],
    paths: &Paths,
) -> io::Result<Plan> {
    let socket = paths.run_dir().join(daemon_socket(&filesystem.id));
    let listener = UnixListener::bind(socket)?;
    let mut args: Vec<OsString> = vec![
        format!("--fd={}", listener.as_raw_fd()).into(),
        "--shared-dir".into(),
        filesystem.source.clone().into(),
        // Landlock confines it: it needs neither namespaces nor the rights to make them.
        "--sandbox=none".into(),
    ];
    args.extend(filesystem.read_only.then(|| "--readonly".into()));
    args.extend(more.iter().map(OsString::from));
    Ok(Plan {
        device: filesystem.id.clone(),
        program,
        args,
        inherited: listener.into(),
        serves: Some(filesystem.source.clone()),
        own_sandbox: false,
    })
}

fn passt(nic: &Nic, program: PathBuf, forwards: &[HostForward], end: OwnedFd) -> Plan {
    let mut args = vec!["--foreground".to_owned(), "--quiet".to_owned()];
    args.extend(["--fd".to_owned(), end.as_raw_fd().to_string()]);
    for forward in forwards {
        let host = forward.host.unwrap_or(forward.guest);
        args.extend([
            "-t".to_owned(),
            format!("127.0.0.1/{host}:{}", forward.guest),
        ]);
    }
    Plan {
        device: nic.id.clone(),
        program,
        args: args.into_iter().map(OsString::from).collect(),
        inherited: end,
        serves: None,
        own_sandbox: true,
    }
}

async fn launch(spec: &MachineSpec, paths: &Paths, plan: Plan) -> Result<Daemon, StartError> {
    let name = plan
        .program
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let log = paths.daemon_log(&spec.name, &name, &plan.device);
    let opened = File::create(&log).map_err(|source| StartError::Prepare {
        machine: spec.name.clone(),
        what: format!("the log of {name}"),
        source,
    })?;
    let ruleset = if spec.sandbox && !plan.own_sandbox {
        daemon_rules(&plan.program, paths.run_dir(), plan.serves.as_deref()).map_err(|reason| {
            StartError::Confine {
                machine: spec.name.clone(),
                reason,
            }
        })?
    } else {
        None
    };
    let launch = Launch {
        program: plan.program.clone(),
        args: plan.args,
        run_dir: paths.run_dir().to_owned(),
        log: opened,
        stderr: None,
        inherited: vec![plan.inherited],
        ruleset,
    };
    let process = Process::start(launch)
        .await
        .map_err(|source| StartError::Spawn {
            program: plan.program,
            source,
        })?;
    tracing::debug!(
        machine = spec.name,
        program = name,
        pid = process.pid(),
        "daemon started"
    );
    Ok(Daemon {
        program: name,
        process,
        log,
    })
}
