//! The serial console.

use std::time::Duration;

use vthost::prelude::*;

/// Logs in on the serial console and on the network, and checks that both are the same guest.
#[vthost::test(tags = ["smoke"])]
fn serial_login(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let serial = vm.wait_for_serial_login()?;
    ensure!(
        serial.cmd_status("test -c /dev/ttyS0 && exit_status=3 && (exit $exit_status)")? == 3,
        "the exit status is not exact on the console"
    );
    // Messages of the kernel come in between, and belong to no command.
    let printed =
        serial.cmd("echo '<6>vthost: a message of the kernel' > /dev/kmsg; echo one; echo two")?;
    ensure!(
        printed.contains("one") && printed.contains("two"),
        "the console prints {printed:?}"
    );
    let session = vm.wait_for_login()?;
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    ensure!(
        session.cmd(boot_id)?.trim() == serial.cmd(boot_id)?.trim(),
        "the console belongs to another guest"
    );
    ensure!(
        serial.is_responsive(Duration::from_secs(30)),
        "the console does not answer"
    );
    Ok(())
}
