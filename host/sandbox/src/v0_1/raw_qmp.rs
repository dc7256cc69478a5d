//! `vthost:host/raw-qmp`. Linked only with the grant of that name.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::host::raw_qmp;
use super::bindings::vthost::vm::qmp::QmpError;
use crate::host::Host;
use crate::v0_1::VmHandle;

impl raw_qmp::Host for Host {
    async fn execute(
        &mut self,
        vm: Resource<VmHandle>,
        command: String,
        arguments: Option<String>,
    ) -> Result<Result<String, QmpError>> {
        let vm = self.vm(&vm)?;
        Ok(super::qmp::execute(&vm, &command, arguments).await)
    }
}
