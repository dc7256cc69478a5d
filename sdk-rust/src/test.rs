//! The test that runs.

use std::path::{Path, PathBuf};

use crate::bindings::vthost::core::params::Params as RawParams;
use crate::bindings::vthost::vm::env;
use crate::device::changes;
use crate::{Error, Outcome, Params, Vm};

/// The test that runs: its parameters and its environment.
#[derive(Debug)]
pub struct Test<'a> {
    name: String,
    params: Params<'a>,
}

impl<'a> Test<'a> {
    pub(crate) fn new(name: String, params: &'a RawParams) -> Self {
        Self {
            name,
            params: Params::borrowed(params),
        }
    }

    /// The name of the test in its pack: the value of `type`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters of the variant.
    pub fn params(&self) -> &Params<'a> {
        &self.params
    }

    /// The machine that the parameter `main_vm` names. Similar to `env.get_vm(params["main_vm"])` in Avocado-VT.
    ///
    /// # Errors
    /// An ERROR if the variant has no main machine.
    pub fn main_vm(&self) -> Result<Vm, Outcome> {
        Ok(self.vm(&self.params.require("main_vm")?)?)
    }

    /// The machine of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the environment has none of that name.
    pub fn vm(&self, name: &str) -> Result<Vm, Error> {
        Ok(Vm::new(env::get_vm(name)?))
    }

    /// Makes the machine `name` ready as preprocessing does, with the parameters of the test and these changes; it is
    /// restarted if they make another machine of it. A name that there is not yet becomes a machine. Similar to
    /// `env_process.preprocess_vm()`.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] for a change that the operator would have to grant; [`Error`] if it does not start.
    pub fn preprocess_vm(&self, name: &str, with: &[(&str, &str)]) -> Result<Vm, Error> {
        Ok(Vm::new(env::preprocess_vm(name, &changes(with))?))
    }

    /// The path of an auxiliary file of this pack, which its author put into `deps/`: `/deps/<name>`. It can be read, and
    /// not be written. Similar to `data_dir.get_deps_dir()` in Avocado-VT, joined with the name.
    pub fn deps_path(&self, name: &str) -> PathBuf {
        Path::new("/deps").join(name.trim_start_matches('/'))
    }

    /// The names of all machines, in the order of the value of `vms`.
    pub fn vms(&self) -> Vec<String> {
        env::vms()
    }
}
