//! A picture of the screen, again and again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Watched;
use crate::preprocess::Task;
use crate::{Log, Result, Vm};

/// How often, if the parameters do not say.
const DELAY: Duration = Duration::from_secs(5);
/// No machine is looked at more often: each picture takes QEMU some milliseconds.
const SHORTEST: Duration = Duration::from_millis(200);
/// A screen that does not change for so long belongs to a guest that does nothing.
const INACTIVE: Duration = Duration::from_secs(1800);
/// How many pictures are kept of a machine.
const MOST: usize = 10_000;

/// What is done about a guest whose screen does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inactive {
    Log,
    Error,
    Ignore,
}

/// A picture that differs from the two before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The file.
    pub(crate) file: PathBuf,
    /// When it was taken, from when the watch began.
    pub(crate) at: Duration,
}

/// The watch over one screen.
pub(super) struct Screen {
    vm: Arc<Vm>,
    log: Log,
    dir: PathBuf,
    delay: Duration,
    threshold: Duration,
    inactive: Inactive,
}

impl Screen {
    /// A watch, with `take_regular_screendumps = yes`: every `screendump_delay` seconds a picture. After
    /// `inactivity_threshold` seconds without a change, `inactivity_watcher` says
    /// what is done: `log` (a warning), `error` (the test cannot pass any more), `none`.
    pub(super) fn new(vm: &Arc<Vm>, task: &Task<'_>) -> Result<Option<Self>> {
        let params = vm.params();
        if !params.flag("take_regular_screendumps", false)? {
            return Ok(None);
        }
        let inactive = match params.get_or("inactivity_watcher", "log") {
            "log" => Inactive::Log,
            "error" => Inactive::Error,
            "none" => Inactive::Ignore,
            _ => {
                return Err(params
                    .invalid("inactivity_watcher", "`log`, `error` or `none`")
                    .into());
            }
        };
        let delay = params.seconds("screendump_delay", DELAY)?;
        Ok(Some(Self {
            vm: Arc::clone(vm),
            log: task.context.log.clone(),
            dir: vm.log_dir().join(format!("screendumps_{}", vm.name())),
            delay: delay.max(SHORTEST),
            threshold: params.seconds("inactivity_threshold", INACTIVE)?,
            inactive,
        }))
    }

    /// Watches until it is told to stop, or nobody cares any more.
    pub(super) async fn watch(self, mut stop: oneshot::Receiver<()>) -> Option<Watched> {
        let begun = Instant::now();
        let mut seen = Watched {
            vm: self.vm.name().to_owned(),
            dir: self.dir.clone(),
            ..Watched::default()
        };
        // The cursor of a text screen blinks: what was there a moment ago is no change, either.
        let mut recent = [None; 2];
        let mut changed = begun;
        let mut told = false;
        loop {
            let stopped = tokio::time::timeout(self.delay, &mut stop).await;
            if stopped.is_ok() {
                return Some(seen);
            }
            // A machine that is off, or has no screen, has none to look at.
            let file = self.dir.join(format!("{:04}.png", seen.frames.len() + 1));
            let Some(picture) = self.take(&file).await else {
                changed = Instant::now();
                continue;
            };
            if recent.contains(&Some(picture)) {
                // It may be gone already, with the results.
                let _ = fs::remove_file(&file);
            } else {
                recent = [recent[1], Some(picture)];
                (changed, told) = (Instant::now(), false);
                let at = begun.elapsed();
                if seen.frames.len() < MOST {
                    seen.frames.push(Frame { file, at });
                }
                continue;
            }
            if changed.elapsed() >= self.threshold && !told {
                told = true;
                self.tell(&mut seen);
            }
        }
    }

    /// Takes a picture and gives its hash.
    async fn take(&self, file: &Path) -> Option<u64> {
        let machine = self.vm.alive()?;
        fs::create_dir_all(&self.dir).ok()?;
        machine.screendump_png(file).await.ok()?;
        let mut hasher = DefaultHasher::new();
        fs::read(file).ok()?.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn tell(&self, seen: &mut Watched) {
        let text = format!(
            "the screen of {} has not changed for {} s (inactivity_watcher)",
            self.vm.name(),
            self.threshold.as_secs_f64()
        );
        match self.inactive {
            Inactive::Log => self.log.warn(text),
            Inactive::Error => seen.problem = Some(text),
            Inactive::Ignore => {}
        }
    }
}
