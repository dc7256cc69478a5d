//! Watchdog and crash device.

use std::time::Duration;

use vthost::prelude::*;

/// How long a watchdog may take to bite, and a kernel to say that it panics.
const BITE: Duration = Duration::from_secs(180);

/// Starts the watchdog, feeds it no more, and waits until it bites.
#[vthost::test]
fn watchdog(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let module = test
        .params()
        .get("watchdog_module")
        .unwrap_or_else(|| "i6300esb".to_owned());
    session.cmd_output(&format!("modprobe {module} heartbeat=10"))?;
    let found = session.cmd_status("test -c /dev/watchdog")?;
    ensure!(found == 0, "the guest has no watchdog");
    // Opened and never fed. The session may end with the guest.
    session.send_line("exec 9>/dev/watchdog")?;
    let event = vm.wait_event("WATCHDOG", BITE)?;
    info!("the watchdog has bitten: {}", event.data);
    Ok(())
}

/// Makes the guest's kernel panic and checks that the machine says so.
#[vthost::test]
fn pvpanic(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    vm.verify_kernel_crash()?;
    if session.cmd_status("modprobe pvpanic-mmio pvpanic-pci pvpanic; ls /sys/bus/acpi/devices | grep -q QEMU0001 || lspci -n | grep -q 1b36:0011")? != 0 {
        bail_cancel!("the guest sees no crash device");
    }
    session.send_line("echo c > /proc/sysrq-trigger")?;
    let event = vm.wait_event("GUEST_PANICKED", BITE)?;
    info!("the machine reports {}", event.data);
    ensure!(
        vm.verify_kernel_crash().is_err(),
        "a crash of the kernel was not noticed"
    );
    vm.destroy(false)?;
    Ok(())
}
