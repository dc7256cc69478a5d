//! A virtual machine as a test sees it.

mod address;
mod adopt;
mod blocks;
mod console;
mod devices;
mod guest;
mod hardware;
mod host_keys;
mod life;
mod login;
mod migrate;
mod monitor;
mod nic;
mod power;
mod screen;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use vthost_params::Params;
use vthost_qemu::{Machine, MachineError, Paths};

use crate::error::machine_kind;
use crate::login::LoginParams;
use crate::session::WeakSession;
use crate::{Error, ErrorKind, Result};

pub use blocks::{BlockJob, BlockJobStatus, BlockSync};
pub use console::Console;
pub(crate) use devices::Allowed;
pub use devices::DeviceInfo;
pub use guest::{Agent, ExecOutput, Files};
pub(crate) use hardware::{Hardware, stamps};
pub(crate) use host_keys::HostKeys;
pub use life::VmState;
pub use nic::NicInfo;
pub use power::{RebootMethod, ShutdownMethod};

/// What changes in the life of a machine.
#[derive(Debug, Default)]
struct Life {
    machine: Option<Arc<Machine>>,
    /// The process that the machine is being moved to.
    moving: Option<Arc<Machine>>,
    /// Somebody migrates to it, or has done so.
    is_expecting: bool,
    /// It was moved here running: its console does not tell that the guest is ready, for it was before.
    has_arrived: bool,
    /// The network cards that were plugged in, with their models.
    plugged_nics: Vec<(String, String)>,
    /// Sessions that may still be open: the guest's own commands go through one of them.
    sessions: Vec<WeakSession>,
    /// The next event that `events` gives.
    events_from: u64,
    /// The next event of each name that `wait_event` gives.
    events_of: HashMap<String, u64>,
    /// The first event that `wait_event` looks at: those before it are of an earlier test.
    events_since: u64,
    /// Whether somebody has logged in to the guest.
    logged_in: bool,
    /// Where the console stood when the guest began to reboot.
    booted_at: Option<u64>,
}

impl Life {
    /// The machine is another process now, with events and a console of its own.
    fn arrive(&mut self) {
        self.has_arrived = true;
        self.booted_at = None;
        self.events_from = 0;
        self.events_of.clear();
    }
}

/// A virtual machine, alive or not.
#[derive(Debug)]
pub struct Vm {
    name: String,
    params: Params,
    login: LoginParams,
    hardware: Arc<Hardware>,
    paths: Paths,
    life: Mutex<Life>,
    /// What its test may do to it.
    allowed: OnceLock<Allowed>,
    /// How many files of each kind were made.
    files: Mutex<BTreeMap<&'static str, usize>>,
}

impl Vm {
    pub(crate) fn new(
        name: &str,
        params: Params,
        hardware: Arc<Hardware>,
        paths: Paths,
    ) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            login: LoginParams::new(&params)?,
            params,
            hardware,
            paths,
            life: Mutex::default(),
            allowed: OnceLock::new(),
            files: Mutex::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters, as it sees them.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// What it is made of.
    pub(crate) fn hardware(&self) -> &Arc<Hardware> {
        &self.hardware
    }

    /// Where its results go.
    pub(crate) fn log_dir(&self) -> &Path {
        self.paths.log_dir()
    }

    /// A number that no other of this machine's is, nor of another machine of this process.
    fn new_number(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(0x00c0_0000);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// Says what its test may do to it. What was said first counts.
    pub(crate) fn allow(&self, allowed: Allowed) {
        let _ = self.allowed.set(allowed);
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine, if its process is there.
    pub(crate) fn alive(&self) -> Option<Arc<Machine>> {
        self.life()
            .machine
            .clone()
            .filter(|machine| machine.exit().is_none())
    }

    /// Whether its process is there and nobody has stopped it.
    pub(crate) fn can_answer(&self) -> bool {
        self.alive()
            .is_some_and(|machine| machine.stuck().is_none())
    }

    fn machine(&self) -> Result<Arc<Machine>> {
        self.alive()
            .ok_or_else(|| Error::new(ErrorKind::Gone, format!("{} is off", self.name)))
    }

    fn failed(&self, action: &str, error: MachineError) -> Error {
        Error::caused(
            machine_kind(&error),
            format!("cannot {action} {}", self.name),
            error,
        )
    }

    /// The next file of its kind in the results: `<stem>-<vm>-<n>.<ending>`.
    fn next_file(&self, stem: &'static str, ending: &str) -> (String, PathBuf) {
        let number = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let count = files.entry(stem).or_default();
            *count += 1;
            *count
        };
        let file = format!("{stem}-{}-{number}.{ending}", self.name);
        let path = self.paths.log_dir().join(&file);
        (file, path)
    }
}
