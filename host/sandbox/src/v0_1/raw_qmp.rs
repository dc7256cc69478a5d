//! `vthost:host/raw-qmp`. Linked only with the grant of that name.

use std::sync::Arc;

use vthost_env::Vm;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::host::raw_qmp;
use super::bindings::vthost::vm::qmp::QmpError;
use crate::host::Host;

impl raw_qmp::Host for Host {
    async fn execute(
        &mut self,
        vm: Resource<Arc<Vm>>,
        command: String,
        arguments: Option<String>,
    ) -> Result<Result<String, QmpError>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        Ok(super::qmp::execute(&vm, &command, arguments).await)
    }
}
