//! `vthost:core/jobs`.

use vthost_env::Job;
use wasmtime::component::Resource;
use wasmtime::{Result, bail};

use super::bindings::vthost::core::{jobs, types};
use super::convert::{error, span, tail};
use crate::host::Host;

impl jobs::Host for Host {
    async fn wait_any(&mut self, list: Vec<Resource<Job>>, timeout: u64) -> Result<Option<u32>> {
        if list.is_empty() {
            bail!("wait-any was called with no jobs");
        }
        let mut jobs = Vec::with_capacity(list.len());
        for job in &list {
            jobs.push(self.table.get(job)?);
        }
        let first = Job::wait_any(&jobs, span(timeout)).await;
        Ok(first.and_then(|index| u32::try_from(index).ok()))
    }
}

impl jobs::HostJob for Host {
    async fn wait(
        &mut self,
        this: Resource<Job>,
        timeout: u64,
    ) -> Result<Result<jobs::Completion, types::Error>> {
        let end = self.table.get(&this)?.wait(span(timeout)).await;
        Ok(end.map_err(error).map(|end| jobs::Completion {
            status: end.status,
            output: tail(end.output),
        }))
    }

    async fn output(&mut self, this: Resource<Job>) -> Result<String> {
        Ok(self.table.get(&this)?.output())
    }

    async fn cancel(&mut self, this: Resource<Job>) -> Result<Result<(), types::Error>> {
        Ok(self.table.get(&this)?.cancel().await.map_err(error))
    }

    async fn drop(&mut self, this: Resource<Job>) -> Result<()> {
        let job = self.table.delete(this)?;
        self.detach(job);
        Ok(())
    }
}
