//! Whether guests are as a test should leave them.

use super::{After, Problems};
use crate::{Environment, Vm};

/// Looks at the screens of a test that did not pass, and checks that no guest has crashed and no QEMU was killed.
pub(super) async fn check(env: &Environment, after: &After<'_>) -> Problems {
    let mut problems = Vec::new();
    for vm in &env.vms {
        if vm.alive().is_none() {
            // What ended a test that did not pass is its reason already.
            problems.extend(vm.killed_by_others().filter(|_| after.passed));
            continue;
        }
        let alive = vm.verify_alive().await;
        if !after.passed && vm.can_answer() {
            last_look(vm, after).await;
        }
        if let Err(error) = alive {
            problems.push(error.chain());
        }
    }
    problems
}

/// What the screen showed when the test went wrong.
async fn last_look(vm: &Vm, after: &After<'_>) {
    let log = &after.context.log;
    match vm.screendump().await {
        Ok(file) => log.info(format!("the screen of {}: {file}", vm.name())),
        Err(error) => log.debug(error.chain()),
    }
}
