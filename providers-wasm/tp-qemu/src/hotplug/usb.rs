//! USB devices.

use vthost::prelude::*;
use vthost::wait_for;

use super::SEEN;

/// Plugs a USB device in and takes it out, several times (`usb_hotplug`).
#[vthost::test(tags = ["hotplug", "usb"])]
fn usb_hotplug(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let rounds: u32 = params.parse_or("usb_repeat_times", 3)?;
    let product = params.require("usb_product")?;
    let session = vm.wait_for_login()?;
    let count = || -> Result<usize> {
        let products = session.cmd_output("cat /sys/bus/usb/devices/*/product 2>/dev/null")?;
        Ok(products
            .lines()
            .filter(|line| line.trim() == product)
            .count())
    };
    let before = count()?;
    for round in 1..=rounds {
        let device = vm.plug_usb("plugged", &[])?;
        let seen = wait_for(SEEN, || {
            Ok::<_, Outcome>((count()? == before + 1).then_some(()))
        })?;
        ensure!(
            seen.is_some(),
            "the guest does not see `{product}` in round {round}"
        );
        vm.unplug(&device, SEEN)?;
        let gone = wait_for(SEEN, || {
            Ok::<_, Outcome>((count()? == before).then_some(()))
        })?;
        ensure!(
            gone.is_some(),
            "the guest still sees `{product}` in round {round}"
        );
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
