//! `vthost:vm/screen`.

use std::sync::Arc;

use vthost_env::Vm;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::screen;
use super::convert::error;
use crate::host::Host;

impl screen::Host for Host {
    async fn screendump(&mut self, vm: Resource<Arc<Vm>>) -> Result<Result<String, types::Error>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        Ok(vm.screendump().await.map_err(error))
    }
}
