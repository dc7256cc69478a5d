//! `vthost:vm/qmp`, and what it shares with `vthost:host/raw-qmp`.

use std::sync::Arc;

use vthost_env::{MonitorError, Vm};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::qmp;
use super::convert::{bounded, error, span};
use crate::host::Host;

/// How many events a call gives at most.
const MAX_EVENTS: usize = 256;

/// Runs a monitor command whose arguments are JSON text.
pub(super) async fn execute(
    vm: &Vm,
    command: &str,
    arguments: Option<String>,
) -> Result<String, qmp::QmpError> {
    let invalid = |text| qmp::QmpError::Monitor(types::Error::Invalid(Some(text)));
    let arguments = match arguments.as_deref().map(serde_json::from_str) {
        None => serde_json::Map::new(),
        Some(Ok(serde_json::Value::Object(arguments))) => arguments,
        Some(Ok(_)) => {
            return Err(invalid(format!(
                "the arguments of `{command}` are no JSON object"
            )));
        }
        Some(Err(wrong)) => {
            return Err(invalid(format!(
                "the arguments of `{command}` are no JSON: {wrong}"
            )));
        }
    };
    match vm.qmp(command, arguments).await {
        Ok(answer) => Ok(bounded(answer.to_string())),
        Err(MonitorError::Refused { class, desc }) => {
            Err(qmp::QmpError::Refused(qmp::Refusal { class, desc }))
        }
        Err(MonitorError::Failed(failed)) => Err(qmp::QmpError::Monitor(error(failed))),
    }
}

impl qmp::Host for Host {
    async fn execute(
        &mut self,
        vm: Resource<Arc<Vm>>,
        command: String,
        arguments: Option<String>,
    ) -> Result<Result<String, qmp::QmpError>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        if let Err(denial) = vthost_policy::check_qmp(&command, &self.pack) {
            let denied = types::Error::AccessDenied(Some(denial.to_string()));
            return Ok(Err(qmp::QmpError::Monitor(denied)));
        }
        Ok(execute(&vm, &command, arguments).await)
    }

    async fn wait_event(
        &mut self,
        vm: Resource<Arc<Vm>>,
        name: String,
        timeout: u64,
    ) -> Result<Result<qmp::Event, types::Error>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        let event = vm.wait_event(&name, span(timeout)).await;
        Ok(event.map_err(error).map(|data| qmp::Event {
            name,
            data: bounded(data.to_string()),
        }))
    }

    async fn events(
        &mut self,
        vm: Resource<Arc<Vm>>,
    ) -> Result<Result<Vec<qmp::Event>, types::Error>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        let events = vm.events(MAX_EVENTS).await;
        Ok(events.map_err(error).map(|events| {
            let event = |(name, data): (String, serde_json::Value)| qmp::Event {
                name,
                data: bounded(data.to_string()),
            };
            events.into_iter().map(event).collect()
        }))
    }
}
