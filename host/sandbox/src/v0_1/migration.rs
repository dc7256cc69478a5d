//! `vthost:vm/migration`.

use vthost_env::Job;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::migration;
use super::convert::error;
use crate::host::Host;
use crate::v0_1::VmHandle;

type Handle = Resource<VmHandle>;
type Answer<T> = Result<Result<T, types::Error>>;

impl migration::Host for Host {
    async fn start_migration(
        &mut self,
        vm: Handle,
        protocol: String,
        capabilities: Vec<String>,
        parameters: Vec<(String, i64)>,
    ) -> Answer<Resource<Job>> {
        let vm = self.vm(&vm)?;
        let begun = vm.start_migration(&protocol, &capabilities, &parameters);
        match begun.await {
            Ok(job) => Ok(Ok(self.table.push(job)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn start_migration_to(
        &mut self,
        vm: Handle,
        destination: Handle,
        protocol: String,
        capabilities: Vec<String>,
        parameters: Vec<(String, i64)>,
    ) -> Answer<Resource<Job>> {
        let (vm, destination) = (self.vm(&vm)?, self.vm(&destination)?);
        let begun = vm.start_migration_to(&destination, &protocol, &capabilities, &parameters);
        match begun.await {
            Ok(job) => Ok(Ok(self.table.push(job)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn start_postcopy(&mut self, vm: Handle) -> Answer<()> {
        Ok(self.vm(&vm)?.start_postcopy().await.map_err(error))
    }
}
