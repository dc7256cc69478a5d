//! Processors.

use vthost::linux::online_cpus;
use vthost::prelude::*;
use vthost::{Error, wait_for};

use super::SEEN;

/// Plugs processors in and takes the last one out again (`cpu_device_hotplug`).
#[vthost::test(tags = ["hotplug"])]
fn cpu_hotplug(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let count: u32 = test.params().parse_or("hotplug_cpus", 2)?;
    let session = vm.wait_for_login()?;
    let before = online_cpus(&session)?;
    let online = |expected: u32| -> Result {
        let seen = wait_for(SEEN, || {
            // A guest may leave it to its user to start a processor that comes.
            session.cmd_output(
                "for f in /sys/devices/system/cpu/cpu*/online; do echo 1 > $f; done 2>/dev/null",
            )?;
            Ok::<_, Outcome>((online_cpus(&session)? == expected).then_some(()))
        })?;
        ensure!(
            seen.is_some(),
            "the guest has {} processors online and should have {expected}",
            online_cpus(&session)?
        );
        Ok(())
    };
    let mut last = String::new();
    for number in 1..=count {
        last = vm.plug_cpu()?;
        online(before + number)?;
    }
    match vm.unplug(&last, SEEN) {
        Ok(()) => online(before + count - 1)?,
        // QEMU without KVM has no way to take a processor out; what was plugged in works all the same.
        Err(Error::Unsupported(why)) => warn!("not unplugged: {why}"),
        Err(error) => return Err(error.into()),
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
