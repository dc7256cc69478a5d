//! `vthost:guest/session`.

use vthost_env::{Job, Session, SessionMatch};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::guest::session;
use super::convert::{MAX_CHUNK, error, span, tail, too_long};
use crate::host::Host;

impl session::Host for Host {}

/// What was found, as a pack sees it.
pub(super) fn matched(found: SessionMatch) -> session::Match {
    session::Match {
        index: found.index,
        before: tail(found.before),
        matched: tail(found.matched),
    }
}

impl session::HostSession for Host {
    async fn cmd(
        &mut self,
        this: Resource<Session>,
        command: String,
        timeout: u64,
    ) -> Result<Result<String, session::CommandError>> {
        let ran = self.cmd_status_output(this, command, timeout).await?;
        Ok(match ran {
            Ok(output) if output.status == 0 => Ok(output.output),
            Ok(output) => Err(session::CommandError::Failed(output)),
            Err(error) => Err(session::CommandError::Session(error)),
        })
    }

    async fn cmd_status_output(
        &mut self,
        this: Resource<Session>,
        command: String,
        timeout: u64,
    ) -> Result<Result<session::CommandOutput, types::Error>> {
        let session = self.table.get(&this)?;
        let ran = session.cmd_status_output(&command, span(timeout)).await;
        Ok(ran.map_err(error).map(|ran| session::CommandOutput {
            status: ran.status,
            output: tail(ran.output),
        }))
    }

    async fn start(
        &mut self,
        this: Resource<Session>,
        command: String,
    ) -> Result<Result<Resource<Job>, types::Error>> {
        match self.table.get(&this)?.start(&command).await {
            Ok(job) => Ok(Ok(self.table.push(job)?)),
            Err(failed) => Ok(Err(error(failed))),
        }
    }

    async fn send_line(
        &mut self,
        this: Resource<Session>,
        line: String,
    ) -> Result<Result<(), types::Error>> {
        let sent = self.table.get(&this)?.send_line(&line).await;
        Ok(sent.map_err(error))
    }

    async fn read_until(
        &mut self,
        this: Resource<Session>,
        patterns: Vec<String>,
        timeout: u64,
    ) -> Result<Result<session::Match, types::Error>> {
        let session = self.table.get(&this)?;
        let found = session.read_until(&patterns, span(timeout)).await;
        Ok(found.map_err(error).map(matched))
    }

    async fn send(
        &mut self,
        this: Resource<Session>,
        bytes: Vec<u8>,
    ) -> Result<Result<(), types::Error>> {
        if bytes.len() > MAX_CHUNK {
            return Ok(Err(too_long(bytes.len())));
        }
        Ok(self.table.get(&this)?.send(&bytes).await.map_err(error))
    }

    async fn read_until_last_line(
        &mut self,
        this: Resource<Session>,
        patterns: Vec<String>,
        timeout: u64,
    ) -> Result<Result<session::Match, types::Error>> {
        let session = self.table.get(&this)?;
        let found = session.read_until_last_line(&patterns, span(timeout)).await;
        Ok(found.map_err(error).map(matched))
    }

    async fn read_up_to_prompt(
        &mut self,
        this: Resource<Session>,
        timeout: u64,
    ) -> Result<Result<String, types::Error>> {
        let read = self
            .table
            .get(&this)?
            .read_up_to_prompt(span(timeout))
            .await;
        Ok(read.map_err(error).map(tail))
    }

    async fn read_nonblocking(
        &mut self,
        this: Resource<Session>,
        quiet: u64,
        timeout: u64,
    ) -> Result<Result<String, types::Error>> {
        let session = self.table.get(&this)?;
        let read = session.read_nonblocking(span(quiet), span(timeout)).await;
        Ok(read.map_err(error).map(tail))
    }

    async fn output(&mut self, this: Resource<Session>) -> Result<String> {
        Ok(self.table.get(&this)?.output().await)
    }

    async fn is_responsive(&mut self, this: Resource<Session>, timeout: u64) -> Result<bool> {
        Ok(self.table.get(&this)?.is_responsive(span(timeout)).await)
    }

    async fn set_prompt(
        &mut self,
        this: Resource<Session>,
        pattern: String,
    ) -> Result<Result<(), types::Error>> {
        let set = self.table.get(&this)?.set_prompt(&pattern).await;
        Ok(set.map_err(error))
    }

    async fn close(&mut self, this: Resource<Session>) -> Result<()> {
        self.table.get(&this)?.close().await;
        Ok(())
    }

    async fn drop(&mut self, this: Resource<Session>) -> Result<()> {
        self.table.delete(this)?.close().await;
        Ok(())
    }
}
