//! Suspending to memory.

use std::time::Duration;

use vthost::linux::boot_id;
use vthost::prelude::*;

/// How long a guest may take to go to sleep or to wake up.
const CHANGE: Duration = Duration::from_secs(120);

/// Suspends the guest to memory, wakes it up by the button, and checks that it is where it was.
#[vthost::test(tags = ["suspend"])]
fn guest_suspend(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let states = session.cmd("cat /sys/power/state")?;
    if !states.split_whitespace().any(|state| state == "mem") {
        bail_cancel!(
            "the guest cannot suspend to memory: it knows `{}`",
            states.trim()
        );
    }
    let before = boot_id(&session)?;
    session.cmd("echo kept > /dev/shm/before_suspend")?;
    session.send_line("echo mem > /sys/power/state")?;
    vm.wait_event("SUSPEND", CHANGE)?;
    info!("the guest sleeps");
    vm.qmp("system_wakeup", None)?;
    vm.wait_event("WAKEUP", CHANGE)?;
    let session = vm.wait_for_login()?;
    ensure!(boot_id(&session)? == before, "the guest has booted anew");
    ensure!(
        session.cmd("cat /dev/shm/before_suspend")?.trim() == "kept",
        "what was in memory is lost"
    );
    vm.verify_kernel_crash()?;
    Ok(())
}
