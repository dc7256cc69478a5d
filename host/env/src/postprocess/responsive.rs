//! Machines that go on running and that nobody can log in to.

use std::time::Duration;

use super::{After, Problems};
use crate::{Environment, Vm, VmState};

/// How long a login may take if `login_timeout` does not say.
const LOGIN: Duration = Duration::from_secs(240);

/// Ends a machine that would be kept if its guest does not let anybody in, with `kill_unresponsive_vms = yes`, which is
/// the default. A machine that is paused is left as it is.
pub(super) async fn end(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for vm in &env.vms {
        let params = after.params.object(vm.name());
        match params.flag("kill_unresponsive_vms", true) {
            Ok(true) if vm.alive().is_some() => {}
            Ok(_) => continue,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        }
        let timeout = params.seconds("login_timeout", LOGIN).unwrap_or(LOGIN);
        let Some(why) = unresponsive(vm, timeout).await else {
            continue;
        };
        let text = format!("{} is not kept: {why}", vm.name());
        after.context.log.warn(text);
        if let Err(error) = vm.destroy(false).await {
            problems.push(error.chain());
        }
    }
    problems
}

/// Why a machine is of no use to another test.
async fn unresponsive(vm: &Vm, timeout: Duration) -> Option<String> {
    if !vm.can_answer() {
        return Some("its QEMU is stopped".to_owned());
    }
    match vm.state().await {
        Ok(VmState::Paused) => None,
        Ok(VmState::Running) => match vm.wait_for_login(timeout).await {
            Ok(session) => {
                session.close().await;
                None
            }
            Err(error) => Some(error.chain()),
        },
        Ok(state) => Some(format!("it is not running ({state:?})")),
        Err(error) => Some(error.chain()),
    }
}
