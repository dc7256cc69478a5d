//! `vthost:core/params` and `vthost:core/types`.

use vthost_params::Params;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::{params, types};
use crate::host::Host;

/// How many entries a call gives at most.
const MAX_ENTRIES: usize = 1000;

impl types::Host for Host {}

impl params::Host for Host {}

impl params::HostParams for Host {
    async fn get(&mut self, this: Resource<Params>, key: String) -> Result<Option<String>> {
        Ok(self.table.get(&this)?.get(&key).map(str::to_owned))
    }

    async fn objects(&mut self, this: Resource<Params>, key: String) -> Result<Vec<String>> {
        let names = self.table.get(&this)?.objects(&key);
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    async fn object(&mut self, this: Resource<Params>, name: String) -> Result<Resource<Params>> {
        let view = self.table.get(&this)?.object(&name);
        Ok(self.table.push(view)?)
    }

    async fn entries(
        &mut self,
        this: Resource<Params>,
        prefix: String,
    ) -> Result<Vec<(String, String)>> {
        let params = self.table.get(&this)?;
        let entries = params.with_prefix(&prefix).take(MAX_ENTRIES);
        Ok(entries
            .map(|(key, value)| (key.into_owned(), value.to_owned()))
            .collect())
    }

    async fn drop(&mut self, this: Resource<Params>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
