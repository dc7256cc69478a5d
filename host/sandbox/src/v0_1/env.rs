//! `vthost:vm/env`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::env;
use super::convert::error;
use crate::host::Host;
use crate::v0_1::VmHandle;

impl env::Host for Host {
    async fn get_vm(&mut self, name: String) -> Result<Result<Resource<VmHandle>, types::Error>> {
        match self.env.vm(&name) {
            Ok(_) => Ok(Ok(self.table.push(VmHandle(name))?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn vms(&mut self) -> Result<Vec<String>> {
        Ok(self.env.vm_names())
    }

    async fn preprocess_vm(
        &mut self,
        name: String,
        changes: Vec<(String, String)>,
    ) -> Result<Result<Resource<VmHandle>, types::Error>> {
        match self.env.preprocess_vm(&name, &changes).await {
            Ok(_) => Ok(Ok(self.table.push(VmHandle(name))?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }
}
