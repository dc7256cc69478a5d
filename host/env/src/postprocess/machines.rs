//! Machines after a test: ended, or left to later tests.

use std::sync::Arc;
use std::time::Duration;

use super::{After, Problems};
use crate::{Environment, Result, Vm};

/// The longest that a machine is given to go down by itself, whatever `kill_vm_timeout` says.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Ends the machines with `kill_vm = yes`, which is the default: after `kill_vm_timeout` seconds in which they may go
/// down by themselves, and with `kill_vm_gracefully = yes` by a shutdown of their guests.
pub(super) async fn end(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for vm in &env.vms {
        if let Err(error) = end_one(vm, after).await {
            problems.push(error.chain());
        }
    }
    problems
}

async fn end_one(vm: &Vm, after: &After<'_>) -> Result<()> {
    let params = after.params.object(vm.name());
    let (kill, gracefully, timeout) = (
        params.flag("kill_vm", true),
        params.flag("kill_vm_gracefully", false),
        params.seconds("kill_vm_timeout", Duration::ZERO),
    );
    // Whoever waits for a migration or stands still after one is of no use to another test.
    let is_whole = !vm.hardware().asked.incoming;
    if matches!(kill, Ok(false)) && is_whole && vm.alive().is_some() {
        return Ok(());
    }
    if let (Some(machine), Ok(timeout)) = (vm.alive(), &timeout)
        && !timeout.is_zero()
    {
        let limit = (*timeout).min(MAX_WAIT);
        if machine.wait_exit(limit).await.is_none() {
            let text = format!("{} did not go down by itself in {limit:?}", vm.name());
            after.context.log.info(text);
        }
    }
    // A parameter that makes no sense is told, and keeps no machine alive.
    vm.destroy(*gracefully.as_ref().unwrap_or(&false)).await?;
    kill?;
    gracefully?;
    timeout?;
    Ok(())
}

/// Leaves what still runs to later tests of the job.
pub(super) fn keep(env: &Environment, after: &After<'_>) -> Problems {
    for vm in env.vms.iter().filter(|vm| vm.alive().is_some()) {
        let text = format!("{} is kept for later tests (kill_vm = no)", vm.name());
        after.context.log.info(text);
        after.context.pool.keep(Arc::clone(vm));
    }
    Vec::new()
}
