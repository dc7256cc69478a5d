//! Carrying out a plan.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;
use vthost_env::Pool;
use vthost_metadata::{
    Counts, Event, EventKind, JobFinished, JobInterrupted, JobStarted, SCHEMA, Timestamp,
};
use vthost_sandbox::{Prepared, Sandbox};

use crate::depend::Dependencies;
use crate::one::{AROUND, One, Shared};
use crate::run_dir::RunDir;
use crate::{JobDir, JobError, Plan, run_dir};

/// How the operator ends a job early. The first request ends the running test and skips the rest; the second one does
/// not even wait for machines to be taken away in order.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    pub(crate) stop: CancellationToken,
    pub(crate) kill: CancellationToken,
    reason: Arc<OnceLock<String>>,
}

impl Interrupt {
    /// Asks for the end, because of `reason` (`SIGINT`); a second time, at once.
    pub fn request(&self, reason: &str) {
        if self.reason.set(reason.to_owned()).is_err() {
            self.kill.cancel();
        }
        self.stop.cancel();
    }

    /// Why the end was asked for, once it was.
    fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// How many tests ended with each status.
    pub counts: Counts,
    /// Whether the operator ended it.
    pub interrupted: bool,
    /// What could not be taken away at the end, or was left although nothing should be: each line is a defect.
    pub problems: Vec<String>,
}

/// Where the parts of a job are.
#[derive(Debug, Clone)]
pub struct Places {
    /// What relative image names are below.
    pub data: PathBuf,
    /// Compiled components.
    pub components: PathBuf,
    /// What QEMU binaries tell about themselves.
    pub binaries: PathBuf,
}

/// Seconds since the epoch.
pub(crate) fn now() -> Timestamp {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// A plan with everything compiled and linked that it needs: what can go wrong before a job has results has not.
pub struct Runner<'a> {
    plan: &'a Plan,
    places: Places,
    sandbox: Sandbox,
    prepared: Vec<Option<Prepared>>,
    swept: Vec<PathBuf>,
}

impl<'a> Runner<'a> {
    /// Makes the sandbox and compiles the packs that have a test to run.
    ///
    /// # Errors
    /// [`JobError::Sandbox`] if the sandbox does not work here, or a pack does not fit it.
    pub fn new(plan: &'a Plan, places: Places) -> Result<Self, JobError> {
        let mut swept = run_dir::sweep(&run_dir::parent());
        // A directory that is not there has nothing to remove.
        let images = vthost_qemu::image::sweep(&places.data.join("images"));
        swept.extend(images.unwrap_or_default());
        let sandbox = Sandbox::new(&places.components)?;
        let prepared = prepare(plan, &sandbox)?;
        Ok(Self {
            plan,
            places,
            sandbox,
            prepared,
            swept,
        })
    }

    /// The directories and images of killed vthosts that were removed before anything was started.
    pub fn swept(&self) -> &[PathBuf] {
        &self.swept
    }

    /// Carries out the plan, test by test, and hands every event to `emit`, in order.
    ///
    /// # Errors
    /// [`JobError::Results`] if results cannot be written, [`JobError::RunDir`] if machines have no place to run in.
    /// Whatever a test does is a result.
    pub async fn run(
        &self,
        dir: &JobDir,
        command: Vec<String>,
        interrupt: &Interrupt,
        emit: impl Fn(Event) + Clone + Send + Sync + 'static,
    ) -> Result<JobEnd, JobError> {
        let emit = move |kind| emit(Event { time: now(), kind });
        let begun = Instant::now();
        emit(EventKind::JobStarted(JobStarted {
            schema: SCHEMA,
            job_id: dir.id.clone(),
            job_dir: dir.path.display().to_string(),
            tests: self.plan.tests.len(),
            command,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host_facts(self.plan, &self.places),
        }));
        vthost_env::adopt_orphans().map_err(JobError::Orphans)?;
        let run_dir = RunDir::create().map_err(JobError::RunDir)?;
        let seed = u32::from_str_radix(&dir.id[..8], 16).unwrap_or_default();
        let pool = Arc::new(Pool::new(run_dir.path(), seed));
        let shared = Shared {
            plan: self.plan,
            sandbox: &self.sandbox,
            prepared: &self.prepared,
            places: &self.places,
            dir,
            pool: &pool,
            interrupt,
            emit: &emit,
        };
        let mut counts = Counts::default();
        let mut interrupted = false;
        let tell = |interrupted: &mut bool| {
            if !*interrupted && interrupt.stop.is_cancelled() {
                *interrupted = true;
                let signal = interrupt.reason().unwrap_or_default().to_owned();
                emit(EventKind::JobInterrupted(JobInterrupted { signal }));
            }
        };
        let mut dependencies = Dependencies::default();
        for (index, planned) in self.plan.tests.iter().enumerate() {
            let blocked = dependencies.blocked(&planned.variant);
            let was_blocked = blocked.is_some();
            let one = One::new(&shared, index + 1, planned, blocked);
            let mut running = pin!(one.run());
            let status = tokio::select! {
                biased;
                // Told at once; the test then ends by itself, and the rest is skipped.
                () = interrupt.stop.cancelled(), if !interrupted => {
                    tell(&mut interrupted);
                    running.await?
                }
                status = &mut running => status?,
            };
            // The request may have come, and ended the test, between two looks.
            tell(&mut interrupted);
            counts.add(status);
            dependencies.ended(&planned.variant, &planned.name, status, was_blocked);
        }
        let problems = tokio::select! {
            // Dropping the pool kills its machines.
            () = interrupt.kill.cancelled() => Vec::new(),
            () = tokio::time::sleep(AROUND) => {
                vec![format!("to end the machines that were kept took longer than {AROUND:?}")]
            }
            problems = pool.end() => problems,
        };
        emit(EventKind::JobFinished(JobFinished {
            counts,
            elapsed: begun.elapsed().as_secs_f64(),
            interrupted,
            problems: problems.clone(),
        }));
        Ok(JobEnd {
            counts,
            interrupted,
            problems,
        })
    }
}

/// Compiles the packs that have a test to run.
fn prepare(plan: &Plan, sandbox: &Sandbox) -> Result<Vec<Option<Prepared>>, JobError> {
    plan.packs
        .iter()
        .enumerate()
        .map(|(index, pack)| {
            let needed = plan
                .tests
                .iter()
                .any(|test| test.pack == Some(index) && test.will_run());
            if !needed {
                return Ok(None);
            }
            let name = &pack.manifest.name;
            let prepared = sandbox.prepare(name, &pack.bytes, &pack.code_digest, &plan.grants)?;
            let deps = match pack.deps_digest() {
                Some(digest) => {
                    let files = pack.deps.iter();
                    let files = files.map(|file| (file.path.as_str(), pack.dep(file)));
                    Some(sandbox.unpack(&digest, files)?)
                }
                None => None,
            };
            Ok(Some(prepared.with_deps(deps)))
        })
        .collect()
}

fn host_facts(plan: &Plan, places: &Places) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let first = plan
        .tests
        .iter()
        .filter(|test| test.will_run())
        .find_map(|test| Some(test.params().object(test.vms().next()?)));
    if let Some(vm) = first {
        if let Ok(binary) = vthost_env::binary(&vm, &places.binaries) {
            let text = format!("{} ({})", binary.version(), binary.path().display());
            facts.push(("qemu".to_owned(), text));
        }
        let usable = vthost_qemu::accel::usable();
        let text = format!("{} ({})", usable.accel, usable.reason);
        facts.push(("accelerator".to_owned(), text));
    }
    facts
}
