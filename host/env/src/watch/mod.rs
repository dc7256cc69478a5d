//! What watches machines while a test runs.

pub(crate) mod picture;
mod registers;
mod screen;
pub(crate) mod video;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::preprocess::Task;
use crate::{Result, Vm};
use registers::Registers;
pub(crate) use screen::Frame;
use screen::Screen;

/// How long a watcher may take to end: it may be in the middle of a picture.
const GRACE: Duration = Duration::from_secs(30);

/// What was seen of a machine.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The machine.
    pub(crate) vm: String,
    /// The directory of the pictures.
    pub(crate) dir: PathBuf,
    /// The pictures, in order: one for each change of the screen.
    pub(crate) frames: Vec<Frame>,
    /// A defect that was seen.
    pub(crate) problem: Option<String>,
}

/// The watchers of a test. They end when this is dropped.
#[derive(Default)]
pub(crate) struct Watches(Mutex<Vec<Watch>>);

struct Watch {
    /// Dropped to end it.
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<Watched>>,
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watches").finish_non_exhaustive()
    }
}

impl Watches {
    /// Starts what the parameters ask for: `take_regular_screendumps` and `store_vm_info`.
    pub(crate) fn start(&mut self, vms: &[Arc<Vm>], task: &Task<'_>) -> Result<()> {
        for vm in vms {
            if let Some(screen) = Screen::new(vm, task)? {
                self.spawn(|stop| screen.watch(stop));
            }
            if let Some(registers) = Registers::new(vm)? {
                self.spawn(|stop| registers.watch(stop));
            }
        }
        Ok(())
    }

    fn spawn<F>(&mut self, watch: impl FnOnce(oneshot::Receiver<()>) -> F)
    where
        F: Future<Output = Option<Watched>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(watch(stopped));
        let watches = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        watches.push(Watch { stop, task });
    }

    /// Ends all of them and gives what was seen.
    pub(crate) async fn end(&self) -> Vec<Watched> {
        let watches = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seen = Vec::new();
        for Watch { stop, mut task } in watches {
            drop(stop);
            match tokio::time::timeout(GRACE, &mut task).await {
                Ok(ended) => seen.extend(ended.ok().flatten()),
                // A QEMU that does not answer, and will be ended.
                Err(_) => task.abort(),
            }
        }
        seen
    }
}
