//! `vthost:vm/screen`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::screen;
use super::convert::error;
use crate::host::Host;
use crate::v0_1::VmHandle;

impl screen::Host for Host {
    async fn screendump(&mut self, vm: Resource<VmHandle>) -> Result<Result<String, types::Error>> {
        let vm = self.vm(&vm)?;
        Ok(vm.screendump().await.map_err(error))
    }

    async fn send_key(
        &mut self,
        vm: Resource<VmHandle>,
        keys: String,
    ) -> Result<Result<(), types::Error>> {
        Ok(self.vm(&vm)?.send_key(&keys).await.map_err(error))
    }

    async fn type_text(
        &mut self,
        vm: Resource<VmHandle>,
        text: String,
    ) -> Result<Result<(), types::Error>> {
        Ok(self.vm(&vm)?.type_text(&text).await.map_err(error))
    }
}
