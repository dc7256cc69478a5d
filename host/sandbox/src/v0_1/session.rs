//! `vthost:guest/session`.

use vthost_env::{Job, Session};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::guest::session;
use super::convert::{error, span, tail};
use crate::host::Host;

impl session::Host for Host {}

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
        Ok(found.map_err(error).map(|found| session::Match {
            index: found.index,
            before: tail(found.before),
            matched: tail(found.matched),
        }))
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
