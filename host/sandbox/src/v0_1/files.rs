//! `vthost:guest/files`.

use vthost_env::Files;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::guest::files;
use super::convert::{error, span};
use crate::host::Host;

type Answer<T> = Result<Result<T, types::Error>>;

impl files::Host for Host {}

impl files::HostFiles for Host {
    async fn copy_to(
        &mut self,
        this: Resource<Files>,
        local: String,
        guest: String,
        timeout: u64,
    ) -> Answer<()> {
        let local = match self.local.to_read(&local) {
            Ok(local) => local,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let files = self.table.get(&this)?;
        let copied = files.copy_to(&local, &guest, span(timeout)).await;
        Ok(copied.map_err(error))
    }

    async fn copy_from(
        &mut self,
        this: Resource<Files>,
        guest: String,
        local: String,
        timeout: u64,
    ) -> Answer<()> {
        let local = match self.local.to_write(&local) {
            Ok(local) => local,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let files = self.table.get(&this)?;
        let copied = files.copy_from(&guest, &local, span(timeout)).await;
        Ok(copied.map_err(error))
    }

    async fn build(
        &mut self,
        this: Resource<Files>,
        name: String,
        arguments: Vec<String>,
        timeout: u64,
    ) -> Answer<String> {
        let source = match self.local.to_read(&format!("/deps/{name}")) {
            Ok(source) => source,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let files = self.table.get(&this)?;
        let built = files.build(&source, &arguments, span(timeout)).await;
        Ok(built.map_err(error))
    }

    async fn drop(&mut self, this: Resource<Files>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
