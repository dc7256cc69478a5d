//! `vthost:vm/qmp`, and what it shares with `vthost:host/raw-qmp`.

use vthost_env::{MonitorError, Vm};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::qmp;
use super::convert::{arguments, error, json, span, tail};
use crate::host::Host;
use crate::v0_1::VmHandle;

/// How many events a call gives at most.
const MAX_EVENTS: usize = 256;

/// Runs a monitor command whose arguments are JSON text.
pub(super) async fn execute(
    vm: &Vm,
    command: &str,
    arguments: Option<String>,
) -> Result<String, qmp::QmpError> {
    let arguments = self::arguments(command, arguments).map_err(qmp::QmpError::Monitor)?;
    let answer = vm.qmp(command, arguments).await.map_err(failed)?;
    json(&answer).map_err(qmp::QmpError::Monitor)
}

fn failed(failed: MonitorError) -> qmp::QmpError {
    match failed {
        MonitorError::Refused { class, desc } => {
            qmp::QmpError::Refused(qmp::Refusal { class, desc })
        }
        MonitorError::Failed(failed) => qmp::QmpError::Monitor(error(failed)),
    }
}

impl qmp::Host for Host {
    async fn execute(
        &mut self,
        vm: Resource<VmHandle>,
        command: String,
        arguments: Option<String>,
    ) -> Result<Result<String, qmp::QmpError>> {
        let vm = self.vm(&vm)?;
        if let Err(denial) = vthost_policy::check_qmp(&command, &self.pack) {
            let denied = types::Error::AccessDenied(Some(denial.to_string()));
            return Ok(Err(qmp::QmpError::Monitor(denied)));
        }
        Ok(execute(&vm, &command, arguments).await)
    }

    async fn wait_event(
        &mut self,
        vm: Resource<VmHandle>,
        name: String,
        timeout: u64,
    ) -> Result<Result<qmp::Event, types::Error>> {
        let vm = self.vm(&vm)?;
        let event = vm.wait_event(&name, span(timeout)).await;
        let event = event.map_err(error).and_then(|data| {
            let data = json(&data)?;
            Ok(qmp::Event { name, data })
        });
        Ok(event)
    }

    async fn events(
        &mut self,
        vm: Resource<VmHandle>,
    ) -> Result<Result<Vec<qmp::Event>, types::Error>> {
        let vm = self.vm(&vm)?;
        let events = vm.events(MAX_EVENTS);
        let event = |(name, data): (String, serde_json::Value)| {
            let data = json(&data)?;
            Ok(qmp::Event { name, data })
        };
        Ok(events
            .map_err(error)
            .and_then(|events| events.into_iter().map(event).collect()))
    }

    async fn info(
        &mut self,
        vm: Resource<VmHandle>,
        what: String,
    ) -> Result<Result<String, qmp::QmpError>> {
        let vm = self.vm(&vm)?;
        Ok(vm.info(&what).await.map(tail).map_err(failed))
    }
}
