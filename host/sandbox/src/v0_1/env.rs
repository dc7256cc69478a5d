//! `vthost:vm/env`.

use std::sync::Arc;

use vthost_env::Vm;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::env;
use super::convert::error;
use crate::host::Host;

impl env::Host for Host {
    async fn get_vm(&mut self, name: String) -> Result<Result<Resource<Arc<Vm>>, types::Error>> {
        match self.env.vm(&name) {
            Ok(vm) => Ok(Ok(self.table.push(vm)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn vms(&mut self) -> Result<Vec<String>> {
        Ok(self.env.vm_names().map(str::to_owned).collect())
    }
}
