//! `vthost:vm/blocks`.

use vthost_env::{BlockJob, BlockSync};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::blocks;
use super::convert::{error, span};
use crate::host::Host;
use crate::v0_1::VmHandle;

type Handle = Resource<VmHandle>;
type Answer<T> = Result<Result<T, types::Error>>;

impl Host {
    fn block_job(&mut self, begun: vthost_env::Result<BlockJob>) -> Answer<Resource<BlockJob>> {
        match begun {
            Ok(job) => Ok(Ok(self.table.push(job)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }
}

fn sync(sync: blocks::BlockSync) -> BlockSync {
    match sync {
        blocks::BlockSync::Full => BlockSync::Full,
        blocks::BlockSync::Top => BlockSync::Top,
        blocks::BlockSync::None => BlockSync::None,
    }
}

impl blocks::Host for Host {
    async fn live_snapshot(&mut self, vm: Handle, image: String, overlay: String) -> Answer<()> {
        let made = self.vm(&vm)?.live_snapshot(&image, &overlay).await;
        Ok(made.map_err(error))
    }

    async fn block_commit(
        &mut self,
        vm: Handle,
        image: String,
        top: Option<String>,
        base: Option<String>,
    ) -> Answer<Resource<BlockJob>> {
        let vm = self.vm(&vm)?;
        let begun = vm.block_commit(&image, top.as_deref(), base.as_deref());
        let begun = begun.await;
        self.block_job(begun)
    }

    async fn block_stream(
        &mut self,
        vm: Handle,
        image: String,
        base: Option<String>,
    ) -> Answer<Resource<BlockJob>> {
        let begun = self.vm(&vm)?.block_stream(&image, base.as_deref()).await;
        self.block_job(begun)
    }

    async fn block_mirror(
        &mut self,
        vm: Handle,
        image: String,
        target: String,
        how: blocks::BlockSync,
    ) -> Answer<Resource<BlockJob>> {
        let begun = self.vm(&vm)?.block_mirror(&image, &target, sync(how)).await;
        self.block_job(begun)
    }

    async fn block_backup(
        &mut self,
        vm: Handle,
        image: String,
        target: String,
        how: blocks::BlockSync,
        bitmap: Option<String>,
    ) -> Answer<Resource<BlockJob>> {
        let vm = self.vm(&vm)?;
        let begun = vm.block_backup(&image, &target, sync(how), bitmap.as_deref());
        let begun = begun.await;
        self.block_job(begun)
    }

    async fn bitmap_add(&mut self, vm: Handle, image: String, bitmap: String) -> Answer<()> {
        let added = self.vm(&vm)?.bitmap_add(&image, &bitmap).await;
        Ok(added.map_err(error))
    }

    async fn bitmap_remove(&mut self, vm: Handle, image: String, bitmap: String) -> Answer<()> {
        let removed = self.vm(&vm)?.bitmap_remove(&image, &bitmap).await;
        Ok(removed.map_err(error))
    }

    async fn block_resize(&mut self, vm: Handle, image: String, bytes: u64) -> Answer<()> {
        let resized = self.vm(&vm)?.block_resize(&image, bytes).await;
        Ok(resized.map_err(error))
    }

    async fn savevm(&mut self, vm: Handle, tag: String, timeout: u64) -> Answer<()> {
        let saved = self.vm(&vm)?.savevm(&tag, span(timeout)).await;
        Ok(saved.map_err(error))
    }

    async fn loadvm(&mut self, vm: Handle, tag: String, timeout: u64) -> Answer<()> {
        let loaded = self.vm(&vm)?.loadvm(&tag, span(timeout)).await;
        Ok(loaded.map_err(error))
    }

    async fn delvm(&mut self, vm: Handle, tag: String, timeout: u64) -> Answer<()> {
        let removed = self.vm(&vm)?.delvm(&tag, span(timeout)).await;
        Ok(removed.map_err(error))
    }
}

impl blocks::HostBlockJob for Host {
    async fn id(&mut self, this: Resource<BlockJob>) -> Result<String> {
        Ok(self.table.get(&this)?.id().to_owned())
    }

    async fn status(&mut self, this: Resource<BlockJob>) -> Answer<blocks::BlockJobStatus> {
        let status = self.table.get(&this)?.status().await;
        Ok(status.map_err(error).map(|status| blocks::BlockJobStatus {
            state: status.state,
            done: status.done,
            total: status.total,
            speed: status.speed,
        }))
    }

    async fn set_speed(&mut self, this: Resource<BlockJob>, speed: u64) -> Answer<()> {
        let set = self.table.get(&this)?.set_speed(speed).await;
        Ok(set.map_err(error))
    }

    async fn pause(&mut self, this: Resource<BlockJob>) -> Answer<()> {
        Ok(self.table.get(&this)?.pause().await.map_err(error))
    }

    async fn resume(&mut self, this: Resource<BlockJob>) -> Answer<()> {
        Ok(self.table.get(&this)?.resume().await.map_err(error))
    }

    async fn wait_ready(&mut self, this: Resource<BlockJob>, timeout: u64) -> Answer<()> {
        let ready = self.table.get(&this)?.wait_ready(span(timeout)).await;
        Ok(ready.map_err(error))
    }

    async fn complete(&mut self, this: Resource<BlockJob>, timeout: u64) -> Answer<()> {
        let completed = self.table.get(&this)?.complete(span(timeout)).await;
        Ok(completed.map_err(error))
    }

    async fn cancel(&mut self, this: Resource<BlockJob>, timeout: u64) -> Answer<()> {
        let cancelled = self.table.get(&this)?.cancel(span(timeout)).await;
        Ok(cancelled.map_err(error))
    }

    async fn wait(&mut self, this: Resource<BlockJob>, timeout: u64) -> Answer<()> {
        let ended = self.table.get(&this)?.wait(span(timeout)).await;
        Ok(ended.map_err(error))
    }

    async fn drop(&mut self, this: Resource<BlockJob>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
