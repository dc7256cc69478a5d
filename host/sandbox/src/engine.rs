//! The engine, and the run of one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vthost_env::Environment;
use vthost_params::Params;
use vthost_policy::Grants;
use wasmtime::component::{Component, Linker, Resource, ResourceTableError};
use wasmtime::{Config, Engine, Store, Trap, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::cache::Cache;
use crate::host::{Files, Host};
use crate::v0_1::{self, bindings::PackPre};
use crate::{Limits, SandboxError, TestEnd, TestLogger, deps};

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);
/// Bytes of stack for WebAssembly code.
const WASM_STACK: usize = 1 << 20;
/// How long a pack may take to tell its tests.
const DESCRIBE_TIME: Duration = Duration::from_secs(10);

/// A test as a pack describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSpec {
    /// Its name.
    pub name: String,
    /// What it tests, in one line.
    pub summary: String,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// Grants that it cannot do without.
    pub needs: Vec<String>,
}

/// A pack that is compiled and linked.
pub struct Prepared {
    pack: String,
    pre: PackPre<Host>,
    /// The directory that its tests see as `/deps`.
    deps: Option<PathBuf>,
}

impl Prepared {
    /// Lets the tests of this pack read this directory as `/deps` ([`Sandbox::unpack`] makes it).
    #[must_use]
    pub fn with_deps(mut self, deps: Option<PathBuf>) -> Self {
        self.deps = deps;
        self
    }
}

/// One test to run.
pub struct TestRun {
    /// The name of the test in the pack.
    pub test: String,
    /// The parameters of the variant.
    pub params: Params,
    /// What preprocessing made ready.
    pub env: Arc<Environment>,
    /// What the test may use.
    pub limits: Limits,
    /// Where its log goes.
    pub log: TestLogger,
    /// The directory that it sees as `/data`; none if it sees no files.
    pub data: Option<PathBuf>,
}

/// The engine that runs packs. One for a job.
pub struct Sandbox {
    engine: Engine,
    cache: Cache,
}

impl Sandbox {
    /// An engine that keeps compiled components in `cache`.
    ///
    /// # Errors
    /// [`SandboxError`] if the engine or the cache cannot be used on this machine.
    pub fn new(cache: &Path) -> Result<Self, SandboxError> {
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .max_wasm_stack(WASM_STACK)
            .async_stack_size(2 * WASM_STACK);
        let engine = Engine::new(&config).map_err(SandboxError::Engine)?;
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || {
                // The thread ends with the engine: it holds no strong reference between two ticks.
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::park_timeout(TICK);
                }
            })
            .map_err(|error| SandboxError::Engine(error.into()))?;
        let cache = Cache::open(cache, &engine)?;
        Ok(Self { engine, cache })
    }

    /// Compiles a pack, or takes it from the cache, and links what is granted.
    ///
    /// # Errors
    /// [`SandboxError`] if the component is damaged or imports what is not there.
    pub fn prepare(
        &self,
        pack: &str,
        bytes: &[u8],
        code_digest: &str,
        grants: &Grants,
    ) -> Result<Prepared, SandboxError> {
        let component = match self.cache.load(&self.engine, code_digest) {
            Some(component) => component,
            None => {
                let component = self.compile(pack, bytes)?;
                self.cache.store(code_digest, &component);
                component
            }
        };
        self.link(pack, &component, grants)
    }

    /// Writes the auxiliary files of a pack, unless they are there already, and gives their directory. `digest` is one
    /// of all of them; their paths are relative, without `..`.
    ///
    /// # Errors
    /// [`SandboxError::Deps`] if they cannot be written.
    pub fn unpack<'a>(
        &self,
        digest: &str,
        files: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<PathBuf, SandboxError> {
        deps::unpack(self.cache.dir(), digest, files)
    }

    fn compile(&self, pack: &str, bytes: &[u8]) -> Result<Component, SandboxError> {
        Component::new(&self.engine, bytes).map_err(|source| SandboxError::Compile {
            pack: pack.to_owned(),
            source,
        })
    }

    fn link(
        &self,
        pack: &str,
        component: &Component,
        grants: &Grants,
    ) -> Result<Prepared, SandboxError> {
        let mut linker = Linker::new(&self.engine);
        v0_1::link(&mut linker, grants)
            .and_then(|()| linker.instantiate_pre(component))
            .and_then(PackPre::new)
            .map(|pre| Prepared {
                pack: pack.to_owned(),
                pre,
                deps: None,
            })
            .map_err(|source| SandboxError::Link {
                pack: pack.to_owned(),
                source,
            })
    }

    /// Asks a component for its tests, with everything linked that exists and nothing behind it: no machines,
    /// no files. For building and checking packs; listing reads the manifest instead.
    ///
    /// # Errors
    /// [`SandboxError`] if it does not compile, does not fit, or does not answer in ten seconds.
    pub async fn describe(&self, pack: &str, bytes: &[u8]) -> Result<Vec<TestSpec>, SandboxError> {
        let prepared = self.link(pack, &self.compile(pack, bytes)?, &Grants::all())?;
        let limits = Limits {
            deadline: DESCRIBE_TIME,
            ..Limits::default()
        };
        let failed = |source| SandboxError::Describe {
            pack: pack.to_owned(),
            source,
        };
        let log = TestLogger::new(limits.log, |level, _, text| {
            tracing::debug!(?level, text, "a pack logs while it tells its tests");
        });
        let host = Host::new(
            pack.to_owned(),
            Arc::default(),
            log,
            &limits,
            Files::default(),
        )
        .map_err(failed)?;
        let mut store = self.store(host, limits.deadline);
        let asked = async {
            let pack = prepared.pre.instantiate_async(&mut store).await?;
            pack.call_tests(&mut store).await
        };
        let tests = tokio::time::timeout(limits.deadline, asked)
            .await
            .map_err(|_| failed(wasmtime::format_err!("it did not answer in time")))?
            .map_err(failed)?;
        Ok(tests.into_iter().map(Into::into).collect())
    }

    /// Runs one test to its end, whatever the pack does.
    pub async fn run(&self, prepared: &Prepared, run: TestRun) -> TestEnd {
        let TestRun {
            test,
            params,
            env,
            limits,
            log,
            data,
        } = run;
        let pack = prepared.pack.clone();
        let files = Files {
            data: data.as_deref(),
            deps: prepared.deps.as_deref(),
        };
        let host = match Host::new(pack, env, log, &limits, files) {
            Ok(host) => host,
            Err(error) => return TestEnd::error(format!("the sandbox cannot be made: {error:#}")),
        };
        let mut store = self.store(host, limits.deadline);
        let ran = {
            let called = async {
                let instance = prepared.pre.instantiate_async(&mut store).await?;
                let params = store.data_mut().table.push(params)?;
                let params = Resource::new_borrow(params.rep());
                instance.call_run(&mut store, &test, params).await
            };
            tokio::time::timeout(limits.deadline, called).await
        };
        let host = store.data();
        host.finish_stdio();
        match ran {
            Ok(Ok(Ok(()))) => TestEnd::PASS,
            Ok(Ok(Err(outcome))) => outcome.into(),
            Ok(Err(trap)) => trapped(host, &trap, &limits),
            Err(_) => past_deadline(&limits),
        }
    }

    fn store(&self, host: Host, deadline: Duration) -> Store<Host> {
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.meter);
        let end = Instant::now() + deadline;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if Instant::now() >= end {
                return Err(DeadlineReached.into());
            }
            // Between two ticks the guest occupies a thread of the runtime: let others have it.
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(tokio::task::yield_now()),
            ))
        });
        store
    }
}

/// Ends guest code that runs past the deadline.
#[derive(Debug, thiserror::Error)]
#[error("the deadline is reached")]
struct DeadlineReached;

fn past_deadline(limits: &Limits) -> TestEnd {
    TestEnd::error(format!(
        "limit:deadline: the test took longer than {} s (parameter test_timeout)",
        limits.deadline.as_secs_f64()
    ))
}

/// What a trap means.
fn trapped(host: &Host, trap: &wasmtime::Error, limits: &Limits) -> TestEnd {
    // Not `{trap:?}`: with RUST_BACKTRACE it is full of frames of the host.
    let mut detail = format!("{trap:#}");
    if let Some(backtrace) = trap.downcast_ref::<WasmBacktrace>() {
        detail = format!("{detail}\n{backtrace}");
    }
    if trap.downcast_ref::<DeadlineReached>().is_some() {
        return past_deadline(limits).with_detail(Some(detail));
    }
    let reason = if host.meter.exceeded {
        format!(
            "limit:memory: the test needs more than {} MiB of memory",
            limits.memory >> 20
        )
    } else if let Some(text) = &host.panic {
        format!("panic: {text}")
    } else if let Some(ResourceTableError::Full) = trap.downcast_ref() {
        format!(
            "limit:handles: the test holds more than {} handles",
            limits.handles
        )
    } else if let Some(exit) = trap.downcast_ref::<I32Exit>() {
        format!("the test ended its program with exit code {}", exit.0)
    } else {
        match trap.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow | Trap::MemoryOutOfBounds) => {
                "the test overran its stack or its memory".to_owned()
            }
            Some(trap) => format!("the test trapped: {trap}"),
            None => format!("the test trapped: {}", trap.root_cause()),
        }
    };
    TestEnd::error(reason).with_detail(Some(detail))
}
