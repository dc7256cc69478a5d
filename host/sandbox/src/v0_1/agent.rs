//! `vthost:guest/agent`.

use vthost_env::Agent;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::guest::agent;
use super::convert::{MAX_TEXT, arguments, error, json, span, too_long};
use crate::host::Host;

type Answer<T> = Result<Result<T, types::Error>>;

impl agent::Host for Host {}

impl agent::HostAgent for Host {
    async fn ping(&mut self, this: Resource<Agent>, timeout: u64) -> Answer<()> {
        let answered = self.table.get(&this)?.ping(span(timeout)).await;
        Ok(answered.map_err(error))
    }

    async fn execute(
        &mut self,
        this: Resource<Agent>,
        command: String,
        given: Option<String>,
        timeout: u64,
    ) -> Answer<Option<String>> {
        let given = match arguments(&command, given) {
            Ok(given) => given,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let agent = self.table.get(&this)?;
        let answer = agent.execute(&command, given, span(timeout)).await;
        Ok(answer
            .map_err(error)
            .and_then(|answer| answer.as_ref().map(json).transpose()))
    }

    async fn exec(
        &mut self,
        this: Resource<Agent>,
        path: String,
        given: Vec<String>,
        input: Vec<u8>,
        timeout: u64,
    ) -> Answer<agent::ExecResult> {
        if input.len() > MAX_TEXT {
            return Ok(Err(too_long(input.len())));
        }
        let agent = self.table.get(&this)?;
        let ran = agent.exec(&path, &given, &input, span(timeout)).await;
        Ok(ran.map_err(error).map(|ran| agent::ExecResult {
            status: ran.status,
            stdout: ran.stdout,
            stderr: ran.stderr,
        }))
    }

    async fn read_file(
        &mut self,
        this: Resource<Agent>,
        path: String,
        timeout: u64,
    ) -> Answer<Vec<u8>> {
        let agent = self.table.get(&this)?;
        let read = agent.read_file(&path, MAX_TEXT, span(timeout)).await;
        Ok(read.map_err(error))
    }

    async fn write_file(
        &mut self,
        this: Resource<Agent>,
        path: String,
        content: Vec<u8>,
        timeout: u64,
    ) -> Answer<()> {
        if content.len() > MAX_TEXT {
            return Ok(Err(too_long(content.len())));
        }
        let agent = self.table.get(&this)?;
        let written = agent.write_file(&path, &content, span(timeout)).await;
        Ok(written.map_err(error))
    }

    async fn drop(&mut self, this: Resource<Agent>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
