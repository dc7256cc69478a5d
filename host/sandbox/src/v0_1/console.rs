//! `vthost:guest/console`.

use vthost_env::Console;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::guest::{console, session};
use super::convert::{MAX_CHUNK, error, span, too_long};
use super::session::matched;
use crate::host::Host;

type Answer<T> = Result<Result<T, types::Error>>;

impl console::Host for Host {}

impl console::HostConsole for Host {
    async fn send(&mut self, this: Resource<Console>, bytes: Vec<u8>, timeout: u64) -> Answer<()> {
        if bytes.len() > MAX_CHUNK {
            return Ok(Err(too_long(bytes.len())));
        }
        let sent = self.table.get(&this)?.send(&bytes, span(timeout)).await;
        Ok(sent.map_err(error))
    }

    async fn receive(
        &mut self,
        this: Resource<Console>,
        limit: u32,
        timeout: u64,
    ) -> Answer<Vec<u8>> {
        let limit = usize::try_from(limit).unwrap_or(MAX_CHUNK).min(MAX_CHUNK);
        let received = self.table.get(&this)?.receive(limit, span(timeout)).await;
        Ok(received.map_err(error))
    }

    async fn read_until(
        &mut self,
        this: Resource<Console>,
        patterns: Vec<String>,
        timeout: u64,
    ) -> Answer<session::Match> {
        let console = self.table.get(&this)?;
        let found = console.read_until(&patterns, span(timeout)).await;
        Ok(found.map_err(error).map(matched))
    }

    async fn drop(&mut self, this: Resource<Console>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
