//! Where the files of a machine are.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The directories of one machine. QEMU may write to the run directory and nowhere else (but to its images); its logs
/// are written by this process, so a QEMU taken over by its guest cannot change what was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    run_dir: PathBuf,
    log_dir: PathBuf,
    /// How many migrations lie before the QEMU whose files these are.
    generation: u32,
}

impl Paths {
    /// `run_dir` holds sockets and temporary files (overlays may lie in it), `log_dir` the logs that are kept. They
    /// should differ; keep the run directory short, since a UNIX socket path has at most 107 bytes.
    ///
    /// # Errors
    /// The current directory is needed for relative paths and cannot be read.
    pub fn new(run_dir: impl AsRef<Path>, log_dir: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self {
            run_dir: std::path::absolute(run_dir)?,
            log_dir: std::path::absolute(log_dir)?,
            generation: 0,
        })
    }

    /// For the QEMU that a machine migrates to. It has the same directories, and files of its own beside those of its
    /// predecessor: `serial-vm1@1.log` after `serial-vm1.log`, and so on. (`@` is in no name of a machine.)
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            generation: self.generation + 1,
            ..self.clone()
        }
    }

    /// What the files of a machine are named after: its name, and the number of its migrations if there were any.
    pub(crate) fn label(&self, machine: &str) -> String {
        match self.generation {
            0 => machine.to_owned(),
            generation => format!("{machine}@{generation}"),
        }
    }

    /// The directory for sockets and temporary files.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// The directory for logs.
    #[must_use]
    pub fn log_dir(&self) -> &Path {
        &self.log_dir
    }

    /// `qemu-<vm>.cmdline`: the command line, to be run by hand.
    #[must_use]
    pub fn cmdline(&self, machine: &str) -> PathBuf {
        self.log_dir
            .join(format!("qemu-{}.cmdline", self.label(machine)))
    }

    /// `qemu-<vm>.log`: what QEMU itself printed.
    #[must_use]
    pub fn log(&self, machine: &str) -> PathBuf {
        self.log_dir
            .join(format!("qemu-{}.log", self.label(machine)))
    }

    /// `<program>-<vm>-<device>.log`: what a program that serves a device printed.
    #[must_use]
    pub fn daemon_log(&self, machine: &str, program: &str, device: &str) -> PathBuf {
        self.log_dir
            .join(format!("{program}-{machine}-{device}.log"))
    }

    /// `qmp-<vm>.jsonl`: every message of the monitor.
    #[must_use]
    pub fn qmp_log(&self, machine: &str) -> PathBuf {
        self.log_dir
            .join(format!("qmp-{}.jsonl", self.label(machine)))
    }

    /// `serial-<vm>.log` for the first console, `serial-<vm>-<console>.log` for the others.
    #[must_use]
    pub fn serial_log(&self, machine: &str, serial: &str, first: bool) -> PathBuf {
        let machine = self.label(machine);
        let name = if first {
            format!("serial-{machine}.log")
        } else {
            format!("serial-{machine}-{serial}.log")
        };
        self.log_dir.join(name)
    }

    /// `migration-<vm>.log`: what the commands printed that a migration went through.
    #[must_use]
    pub fn migration_log(&self, machine: &str) -> PathBuf {
        self.log_dir
            .join(format!("migration-{}.log", self.label(machine)))
    }

    /// The VNC socket.
    #[must_use]
    pub fn vnc_socket(&self, machine: &str) -> PathBuf {
        self.run_dir
            .join(format!("vnc-{}.sock", self.label(machine)))
    }

    /// The socket on which the machine's NBD server listens.
    #[must_use]
    pub fn nbd_socket(&self, machine: &str) -> PathBuf {
        self.run_dir
            .join(format!("nbd-{}.sock", self.label(machine)))
    }

    /// The socket on which the machine awaits a migration.
    #[must_use]
    pub fn migration_socket(&self, machine: &str) -> PathBuf {
        self.run_dir
            .join(format!("migration-{}.sock", self.label(machine)))
    }

    /// The socket of a monitor of [`crate::MachineSpec::monitors`].
    #[must_use]
    pub fn monitor_socket(&self, monitor: &str) -> PathBuf {
        self.run_dir.join(monitor_socket(monitor))
    }

    /// Makes both directories, the run directory closed to other users (0700). [`crate::Machine::start`] does it, too;
    /// call it to put an overlay into the run directory before.
    ///
    /// # Errors
    /// A directory cannot be made, or the run directory exists and is open to other users. It is not changed then: it
    /// may be somebody else's.
    pub fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).create(&self.log_dir)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.run_dir)?;
        let mode = fs::metadata(&self.run_dir)?.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let problem = format!(
            "{} is open to other users (mode {mode:03o}); make it 0700 or give another run directory",
            self.run_dir.display()
        );
        Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
    }
}

/// The name of the socket of a monitor in the run directory.
pub(crate) fn monitor_socket(monitor: &str) -> String {
    format!("monitor-{monitor}.sock")
}
