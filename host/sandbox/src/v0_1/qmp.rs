//! `vthost:vm/qmp`, and what it shares with `vthost:host/raw-qmp`.

use std::sync::Arc;

use vthost_env::{MonitorError, Vm};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::vthost::core::types;
use super::bindings::vthost::vm::qmp;
use super::convert::{MAX_TEXT, error, span};
use crate::host::Host;

/// How many events a call gives at most.
const MAX_EVENTS: usize = 256;

/// Arguments of a command are at most this long, in bytes.
const MAX_ARGUMENTS: usize = 64 << 10;

/// JSON for a pack. Too much of it is an error: cut, it would be JSON no more.
fn json(value: &serde_json::Value) -> Result<String, types::Error> {
    let text = value.to_string();
    if text.len() > MAX_TEXT {
        let told = format!(
            "the answer has {} bytes, a pack gets {MAX_TEXT} at most",
            text.len()
        );
        return Err(types::Error::Limit(Some(told)));
    }
    Ok(text)
}

/// Runs a monitor command whose arguments are JSON text.
pub(super) async fn execute(
    vm: &Vm,
    command: &str,
    arguments: Option<String>,
) -> Result<String, qmp::QmpError> {
    let invalid = |text| qmp::QmpError::Monitor(types::Error::Invalid(Some(text)));
    // As JSON values they need many times their size.
    if arguments
        .as_ref()
        .is_some_and(|text| text.len() > MAX_ARGUMENTS)
    {
        let told = format!("the arguments of `{command}` are longer than {MAX_ARGUMENTS} bytes");
        return Err(qmp::QmpError::Monitor(types::Error::Limit(Some(told))));
    }
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
        Ok(answer) => json(&answer).map_err(qmp::QmpError::Monitor),
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
        let event = event.map_err(error).and_then(|data| {
            let data = json(&data)?;
            Ok(qmp::Event { name, data })
        });
        Ok(event)
    }

    async fn events(
        &mut self,
        vm: Resource<Arc<Vm>>,
    ) -> Result<Result<Vec<qmp::Event>, types::Error>> {
        let vm = Arc::clone(self.table.get(&vm)?);
        let events = vm.events(MAX_EVENTS);
        let event = |(name, data): (String, serde_json::Value)| {
            let data = json(&data)?;
            Ok(qmp::Event { name, data })
        };
        Ok(events
            .map_err(error)
            .and_then(|events| events.into_iter().map(event).collect()))
    }
}
