//! What a test finds ready, and what is done when it is over.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vthost_metadata::LogLevel;
use vthost_params::Params;
use vthost_qemu::{Binary, Landlock, Paths, ProbeError};

use crate::error::check_name;
use crate::spec::machine_spec;
use crate::{Error, ErrorKind, Result, Vm};

/// Where the environment says what it does.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(LogLevel, String) + Send + Sync>);

impl Log {
    /// A log that hands every line to `write`.
    pub fn new(write: impl Fn(LogLevel, String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    fn say(&self, level: LogLevel, message: impl Into<String>) {
        (self.0)(level, message.into());
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").finish_non_exhaustive()
    }
}

/// What an environment is made with.
#[derive(Debug, Clone)]
pub struct Context {
    /// What relative image names are below.
    pub data_dir: PathBuf,
    /// Whether the configuration of a provider may name images outside the directory of images.
    pub host_files: bool,
    /// A directory for this test alone; overlays and sockets lie in it. Keep its path short.
    pub run_dir: PathBuf,
    /// The directory of the test's results.
    pub log_dir: PathBuf,
    /// Where the environment says what it does.
    pub log: Log,
}

/// The machines of a test, by name.
#[derive(Debug, Default)]
pub struct Environment {
    vms: Vec<Arc<Vm>>,
}

impl Environment {
    /// Makes ready what the parameters ask for: images, then machines (guide, section on pre-processing). On
    /// failure everything that was started is taken away again.
    ///
    /// # Errors
    /// The first thing that cannot be made ready.
    pub async fn preprocess(params: &Params, context: &Context) -> Result<Self> {
        let mut env = Self::default();
        match env.start_all(params, context).await {
            Ok(()) => Ok(env),
            Err(error) => {
                for problem in env.postprocess(params, context, false).await {
                    context.log.say(LogLevel::Error, problem);
                }
                Err(error)
            }
        }
    }

    async fn start_all(&mut self, params: &Params, context: &Context) -> Result<()> {
        for name in params.objects("vms") {
            let vm = Arc::new(make(name, params.object(name), context).await?);
            self.vms.push(Arc::clone(&vm));
            if vm.params().flag("start_vm", true)? {
                vm.create().await?;
                if let Some(machine) = vm.alive() {
                    let (pid, took) = (machine.pid(), machine.startup().as_millis());
                    let accel = machine.command_line().accel();
                    let text =
                        format!("started {name}: pid {pid}, {accel}, monitor ready in {took} ms");
                    context.log.say(LogLevel::Info, text);
                    let confined = machine.confinement();
                    let (seccomp, landlock) = (confined.seccomp, &confined.landlock);
                    // What QEMU may do when its guest has taken it over is worth a look where it is much.
                    let level = if seccomp && *landlock == Landlock::Enforced {
                        LogLevel::Debug
                    } else {
                        LogLevel::Warn
                    };
                    let text =
                        format!("{name} is confined: seccomp {seccomp}, landlock {landlock:?}");
                    context.log.say(level, text);
                }
            }
        }
        Ok(())
    }

    /// The machine of that name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the names that there are.
    pub fn vm(&self, name: &str) -> Result<Arc<Vm>> {
        self.vms
            .iter()
            .find(|vm| vm.name() == name)
            .cloned()
            .ok_or_else(|| {
                let names: Vec<_> = self.vm_names().collect();
                let text = format!("there is no machine `{name}` (vms = {})", names.join(" "));
                Error::new(ErrorKind::NotFound, text)
            })
    }

    /// The names of all machines, in the order of `vms`.
    pub fn vm_names(&self) -> impl Iterator<Item = &str> {
        self.vms.iter().map(|vm| vm.name())
    }

    /// Takes everything away, whatever the test did, and gives what went wrong with that: each line is a defect
    /// that turns a PASS into an ERROR.
    pub async fn postprocess(
        &self,
        params: &Params,
        context: &Context,
        passed: bool,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        for vm in &self.vms {
            if vm.alive().is_some() {
                if !passed {
                    self.last_look(vm, context).await;
                }
                if let Err(error) = vm.verify_alive().await {
                    problems.push(error.chain());
                }
            }
            let gracefully = params
                .object(vm.name())
                .flag("kill_vm_gracefully", false)
                .unwrap_or(false);
            if let Err(error) = vm.destroy(gracefully).await {
                problems.push(error.chain());
            }
        }
        problems
    }

    /// What the screen showed when the test went wrong.
    async fn last_look(&self, vm: &Vm, context: &Context) {
        match vm.screendump().await {
            Ok(file) => context.log.say(
                LogLevel::Info,
                format!("the screen of {}: {file}", vm.name()),
            ),
            Err(error) => context.log.say(LogLevel::Debug, error.chain()),
        }
    }
}

/// The QEMU that the parameters of a machine ask for: `qemu_binary`, or the first of the search path.
///
/// # Errors
/// [`ProbeError`] if there is none that works.
pub fn binary(params: &Params) -> std::result::Result<Binary, ProbeError> {
    let path = params
        .get("qemu_binary")
        .filter(|path| !path.is_empty())
        .map(Path::new);
    Binary::probe(path)
}

async fn make(name: &str, params: Params, context: &Context) -> Result<Vm> {
    check_name("machine", name)?;
    let binary = binary(&params)
        .map_err(|error| Error::caused(ErrorKind::NotFound, "there is no QEMU to run", error))?;
    let spec = machine_spec(name, &params, context).await?;
    let paths = Paths::new(&context.run_dir, &context.log_dir).map_err(|error| {
        Error::caused(
            ErrorKind::Other,
            "the directories of a machine cannot be used",
            error,
        )
    })?;
    Vm::new(name, params, spec, binary, paths)
}
