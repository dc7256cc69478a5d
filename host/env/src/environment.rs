//! What a test finds ready.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use vthost_params::Params;
use vthost_qemu::spec::Arch;
use vthost_qemu::{Binary, ProbeError};

use crate::error::check_name;
use crate::image::Made;
use crate::pool::RunDir;
use crate::preprocess::Task;
use crate::spec::arch;
use crate::vm::Allowed;
use crate::watch::Watches;
use crate::{Context, Error, ErrorKind, Result, Unready, Vm, postprocess, preprocess};

/// The machines of a test, by name, and what watches them.
#[derive(Debug, Default)]
pub struct Environment {
    pub(crate) vms: Vec<Arc<Vm>>,
    /// The images that were made for this test.
    pub(crate) made: Vec<Made>,
    pub(crate) watches: Watches,
    /// What it was made with, for what the test adds to it.
    setup: Option<Arc<Setup>>,
    /// What the test added to it, the oldest first.
    added: Mutex<Vec<Arc<Self>>>,
    /// Where the test's own images lie.
    own_dir: Arc<OnceLock<Arc<RunDir>>>,
}

/// What an environment was made with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) params: Params,
    pub(crate) context: Context,
}

impl Environment {
    /// Makes ready what the parameters ask for, step by step (guide, section on the preprocessor).
    /// [`Environment::postprocess`] takes away what was made, also after a failure, or if this call was given up.
    ///
    /// # Errors
    /// What the test ends with: the first thing that cannot be made ready.
    pub async fn preprocess(&mut self, params: &Params, context: &Context) -> Result<(), Unready> {
        self.setup = Some(Arc::new(Setup {
            params: params.clone(),
            context: context.clone(),
        }));
        let task = Task {
            params,
            context,
            beside: &[],
        };
        let ready = preprocess::run(self, &task).await;
        if let Some(setup) = self.setup.clone() {
            let allowed = self.allowed(&setup);
            self.vms.iter().for_each(|vm| vm.allow(allowed.clone()));
        }
        ready
    }

    /// What the test may do while it runs.
    pub(crate) fn allowed(&self, setup: &Setup) -> Allowed {
        Allowed {
            data_dir: setup.context.data_dir.clone(),
            grants: setup.context.grants.clone(),
            own_images: Arc::clone(&self.own_dir),
        }
    }

    /// Makes the machine `name` ready as [`preprocess`](Self::preprocess) does, with the parameters of the test and these
    /// changes. A machine of that name that runs already goes on if the changes leave it what it is.
    ///
    /// # Errors
    /// [`ErrorKind::AccessDenied`] for a change that reaches the host; else why it cannot be made ready.
    pub async fn preprocess_vm(&self, name: &str, changes: &[(String, String)]) -> Result<Arc<Vm>> {
        check_name("machine", name)?;
        let setup = self.setup()?;
        self.allowed(&setup).check(changes)?;
        let named: Vec<(String, &str)> = changes
            .iter()
            .map(|(key, value)| (format!("{key}_{name}"), value.as_str()))
            .collect();
        let pairs = named.iter().map(|(key, value)| (key.as_str(), *value));
        let params = setup.params.with(pairs.chain([("vms", name)]));
        if let Ok(old) = self.vm(name)
            && old.alive().is_some()
        {
            // The next step takes it from there, or ends it.
            setup.context.pool.keep(old);
        }
        let mut added = Self {
            setup: Some(Arc::clone(&setup)),
            ..Self::default()
        };
        let beside = self.vms();
        let task = Task {
            params: &params,
            context: &setup.context,
            beside: &beside,
        };
        let ready = preprocess::run_added(&mut added, &task).await;
        // What was made has to be taken away in any case.
        let vm = added.vms.last().cloned();
        if let Some(vm) = &vm {
            vm.allow(self.allowed(&setup));
        }
        lock(&self.added).push(Arc::new(added));
        ready?;
        vm.ok_or_else(|| Error::new(ErrorKind::Other, format!("{name} was not made")))
    }

    pub(crate) fn setup(&self) -> Result<Arc<Setup>> {
        self.setup
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::Other, "the environment has not been made ready"))
    }

    /// The directory of the test's own images.
    pub(crate) fn own_dir(&self, setup: &Setup) -> Result<Arc<RunDir>> {
        if let Some(dir) = self.own_dir.get() {
            return Ok(Arc::clone(dir));
        }
        let dir = setup.context.pool.new_dir()?;
        Ok(Arc::clone(self.own_dir.get_or_init(|| dir)))
    }

    /// Its machines; of two with one name, the later one.
    pub(crate) fn vms(&self) -> Vec<Arc<Vm>> {
        let mut vms = self.vms.clone();
        for added in lock(&self.added).iter() {
            for vm in &added.vms {
                match vms.iter_mut().find(|known| known.name() == vm.name()) {
                    Some(known) => *known = Arc::clone(vm),
                    None => vms.push(Arc::clone(vm)),
                }
            }
        }
        vms
    }

    /// Takes everything away, whatever the test did (guide, section on the postprocessor), and gives what went wrong
    /// with that: each line is a defect that turns a PASS into an ERROR. With `passed = false` a parameter
    /// `<key>_on_error` overrides `<key>`.
    pub async fn postprocess(
        &self,
        params: &Params,
        context: &Context,
        passed: bool,
    ) -> Vec<String> {
        let added: Vec<_> = lock(&self.added).drain(..).collect();
        let mut problems = Vec::new();
        for added in added.iter().rev() {
            problems.extend(postprocess::run_added(added, params, context, passed).await);
        }
        problems.extend(postprocess::run(self, params, context, passed).await);
        problems
    }

    /// The machine of that name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the names that there are.
    pub fn vm(&self, name: &str) -> Result<Arc<Vm>> {
        let mut vms = self.vms().into_iter();
        vms.find(|vm| vm.name() == name).ok_or_else(|| {
            let names = self.vm_names().join(" ");
            let text = format!("there is no machine `{name}` (vms = {names})");
            Error::new(ErrorKind::NotFound, text)
        })
    }

    /// The names of all machines, in the order of `vms`; those that the test added come last.
    pub fn vm_names(&self) -> Vec<String> {
        let vms = self.vms();
        vms.iter().map(|vm| vm.name().to_owned()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The QEMU that the parameters of a machine ask for: `qemu_binary`, or the first of the search path that is for the
/// architecture of the guest. What it tells about itself is kept in the directory `known`.
///
/// # Errors
/// [`ProbeError`] if there is none that works.
pub fn binary(params: &Params, known: &Path) -> std::result::Result<Binary, ProbeError> {
    let path = params
        .get("qemu_binary")
        .filter(|path| !path.is_empty())
        .map(Path::new);
    // An architecture that nobody knows is the error of the machine, and told with it.
    let arch = arch(params).unwrap_or(Arch::X86_64);
    Ok(Binary::probe_for(arch, path)?.with_cache(known))
}
