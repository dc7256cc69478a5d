//! `vthost:vm/images`.

use vthost_env::Image;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::images;
use super::convert::{error, json, span};
use crate::host::Host;

type Answer<T> = Result<Result<T, types::Error>>;

impl images::Host for Host {
    async fn open(
        &mut self,
        name: String,
        changes: Vec<(String, String)>,
        base: Option<Resource<Image>>,
    ) -> Answer<Resource<Image>> {
        let base = base.map(|base| self.table.get(&base)).transpose()?;
        match self.env.image(&name, &changes, base) {
            Ok(image) => Ok(Ok(self.table.push(image)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }
}

impl images::HostImage for Host {
    async fn name(&mut self, this: Resource<Image>) -> Result<String> {
        Ok(self.table.get(&this)?.name().to_owned())
    }

    async fn exists(&mut self, this: Resource<Image>) -> Result<bool> {
        Ok(self.table.get(&this)?.exists())
    }

    async fn create(&mut self, this: Resource<Image>, timeout: u64) -> Answer<()> {
        let made = self.table.get(&this)?.create(span(timeout)).await;
        Ok(made.map_err(error))
    }

    async fn remove(&mut self, this: Resource<Image>) -> Answer<()> {
        Ok(self.table.get(&this)?.remove().map_err(error))
    }

    async fn info(&mut self, this: Resource<Image>) -> Answer<String> {
        let info = self.table.get(&this)?.info().await;
        Ok(info.map_err(error).and_then(|info| json(&info)))
    }

    async fn map_extents(&mut self, this: Resource<Image>) -> Answer<String> {
        let map = self.table.get(&this)?.map().await;
        Ok(map.map_err(error).and_then(|map| json(&map)))
    }

    async fn check(&mut self, this: Resource<Image>, timeout: u64) -> Answer<images::ImageCheck> {
        let check = self.table.get(&this)?.check(span(timeout)).await;
        Ok(check.map_err(error).map(|check| images::ImageCheck {
            corruptions: check.corruptions,
            leaks: check.leaks,
        }))
    }

    async fn convert(
        &mut self,
        this: Resource<Image>,
        target: Resource<Image>,
        compressed: bool,
        timeout: u64,
    ) -> Answer<()> {
        let (image, target) = (self.table.get(&this)?, self.table.get(&target)?);
        let converted = image.convert(target, compressed, span(timeout)).await;
        Ok(converted.map_err(error))
    }

    async fn rebase(
        &mut self,
        this: Resource<Image>,
        base: Option<Resource<Image>>,
        unsafe_mode: bool,
        timeout: u64,
    ) -> Answer<()> {
        let image = self.table.get(&this)?;
        let base = base.map(|base| self.table.get(&base)).transpose()?;
        let rebased = image.rebase(base, unsafe_mode, span(timeout)).await;
        Ok(rebased.map_err(error))
    }

    async fn commit(&mut self, this: Resource<Image>, timeout: u64) -> Answer<()> {
        let committed = self.table.get(&this)?.commit(span(timeout)).await;
        Ok(committed.map_err(error))
    }

    async fn compare(
        &mut self,
        this: Resource<Image>,
        other: Resource<Image>,
        timeout: u64,
    ) -> Answer<Option<String>> {
        let (image, other) = (self.table.get(&this)?, self.table.get(&other)?);
        let compared = image.compare(other, span(timeout)).await;
        Ok(compared.map_err(error))
    }

    async fn resize(&mut self, this: Resource<Image>, bytes: u64, shrink: bool) -> Answer<()> {
        let resized = self.table.get(&this)?.resize(bytes, shrink).await;
        Ok(resized.map_err(error))
    }

    async fn measure(
        &mut self,
        this: Resource<Image>,
        format: String,
    ) -> Answer<images::ImageMeasure> {
        let measured = self.table.get(&this)?.measure(&format).await;
        Ok(measured
            .map_err(error)
            .map(|measured| images::ImageMeasure {
                required: measured.required,
                fully_allocated: measured.fully_allocated,
            }))
    }

    async fn snapshot_create(&mut self, this: Resource<Image>, tag: String) -> Answer<()> {
        let made = self.table.get(&this)?.snapshot_create(&tag).await;
        Ok(made.map_err(error))
    }

    async fn snapshot_apply(&mut self, this: Resource<Image>, tag: String) -> Answer<()> {
        let applied = self.table.get(&this)?.snapshot_apply(&tag).await;
        Ok(applied.map_err(error))
    }

    async fn snapshot_delete(&mut self, this: Resource<Image>, tag: String) -> Answer<()> {
        let removed = self.table.get(&this)?.snapshot_delete(&tag).await;
        Ok(removed.map_err(error))
    }

    async fn snapshots(&mut self, this: Resource<Image>) -> Answer<Vec<images::ImageSnapshot>> {
        let snapshots = self.table.get(&this)?.snapshots().await;
        Ok(snapshots.map_err(error).map(|snapshots| {
            let shown = |(id, tag)| images::ImageSnapshot { id, tag };
            snapshots.into_iter().map(shown).collect()
        }))
    }

    async fn drop(&mut self, this: Resource<Image>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
