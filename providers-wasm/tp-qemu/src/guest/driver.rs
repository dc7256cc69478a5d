//! Drivers of the guest.

use vthost::prelude::*;

/// Unloads a driver that nothing uses and loads it again, several times (`driver_load`).
#[vthost::test]
fn driver_load(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let driver = params.require("driver_name")?;
    let rounds: u32 = params.parse_or("driver_load_times", 5)?;
    let session = vm.wait_for_login()?;
    session.cmd(&format!("modprobe {driver}"))?;
    for round in 1..=rounds {
        session.cmd(&format!("modprobe -r {driver}"))?;
        let listed = session.cmd_status(&format!("grep -q '^{driver} ' /proc/modules"))?;
        ensure!(listed != 0, "{driver} is still there in round {round}");
        session.cmd(&format!("modprobe {driver}"))?;
    }
    vm.verify_kernel_crash()?;
    Ok(())
}

/// Reads random bytes from the device of the machine (`virtio_rng`).
#[vthost::test]
fn rng_bat(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd_output("modprobe virtio_rng")?;
    let current = session.cmd("cat /sys/class/misc/hw_random/rng_current")?;
    ensure!(
        current.contains("virtio_rng"),
        "the source of randomness is {}",
        current.trim()
    );
    let read = "dd if=/dev/hwrng bs=64 count=4 2>/dev/null | md5sum";
    let (first, second) = (session.cmd(read)?, session.cmd(read)?);
    ensure!(first != second, "the device gives the same bytes twice");
    Ok(())
}
