//! Reboot.

use std::time::Duration;

use vthost::RebootMethod;
use vthost::prelude::*;

/// Reboots a guest and checks that it really came up anew.
#[vthost::test]
fn reboot(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let seconds = params.parse_or("reboot_timeout", 240)?;
    let session = vm.wait_for_login()?;
    // A kernel draws a new id at every boot.
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let before = session.cmd(boot_id)?;
    let method = match params.get("reboot_method").as_deref() {
        None | Some("shell") => RebootMethod::Shell,
        Some("system_reset") => RebootMethod::SystemReset,
        Some(other) => {
            bail_error!("reboot_method is `{other}`; it can be `shell` or `system_reset`")
        }
    };
    let session = vm.reboot_by(method, Duration::from_secs(seconds))?;
    let after = session.cmd(boot_id)?;
    ensure!(
        before != after,
        "the guest did not boot anew: its boot id is still {}",
        before.trim()
    );
    vm.verify_alive()?;
    Ok(())
}
