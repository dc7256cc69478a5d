//! USB devices.

use vthost::prelude::*;
use vthost::wait_for;

use super::SEEN;

/// The products of all devices that the guest knows.
const KNOWN: &str = "cat /sys/bus/usb/devices/*/product 2>/dev/null";

/// The products of the devices that the guest can use: each of their interfaces has a driver, and no driver is busy with
/// taking them. (The kernel holds the lock of a device meanwhile, which who reads its configuration has to wait for.)
const USABLE: &str = "for product in /sys/bus/usb/devices/*/product; do device=${product%/*}; \
    for part in $device/*:*; do [ -e $part/driver ] || continue 2; done; \
    cat $device/bConfigurationValue > /dev/null && cat $product; done 2>/dev/null";

/// Plugs a USB device in and takes it out, several times (`usb_hotplug`).
#[vthost::test(tags = ["hotplug", "usb"])]
fn usb_hotplug(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let rounds: u32 = params.parse_or("usb_repeat_times", 3)?;
    let product = params.require("usb_product")?;
    let session = vm.wait_for_login()?;
    let count = |products| -> Result<usize> {
        let products = session.cmd_output(products)?;
        Ok(products
            .lines()
            .filter(|line| line.trim() == product)
            .count())
    };
    let before = count(KNOWN)?;
    for round in 1..=rounds {
        let device = vm.plug_usb("plugged", &[])?;
        let seen = wait_for(SEEN, || {
            Ok::<_, Outcome>((count(USABLE)? == before + 1).then_some(()))
        })?;
        ensure!(
            seen.is_some(),
            "the guest cannot use `{product}` in round {round}"
        );
        vm.unplug(&device, SEEN)?;
        let gone = wait_for(SEEN, || {
            Ok::<_, Outcome>((count(KNOWN)? == before).then_some(()))
        })?;
        ensure!(
            gone.is_some(),
            "the guest still sees `{product}` in round {round}"
        );
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
