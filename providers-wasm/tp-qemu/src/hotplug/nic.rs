//! Network cards.

use vthost::linux::{addresses, interface_of};
use vthost::prelude::*;
use vthost::wait_for;

use super::SEEN;

/// Plugs a network card in, waits until the guest has an address on it, and takes it out (`nic_hotplug`).
#[vthost::test(tags = ["hotplug", "network"])]
fn nic_hotplug(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let rounds: u32 = test.params().parse_or("repeat_times", 2)?;
    let session = vm.wait_for_login()?;
    for round in 1..=rounds {
        let device = vm.plug_nic("hotadded", &[])?;
        let Some(nic) = vm.nics()?.into_iter().find(|nic| nic.name == "hotadded") else {
            bail_fail!("the machine does not list the card that was plugged in as {device}");
        };
        let found = wait_for(SEEN, || {
            let Some(interface) = interface_of(&session, &nic.mac)? else {
                return Ok(None);
            };
            let address = addresses(&session, &interface)?.into_iter().next();
            Ok::<_, Outcome>(address.map(|address| (interface, address)))
        })?;
        let Some((interface, address)) = found else {
            bail_fail!(
                "the guest has no address on the card {} in round {round}",
                nic.mac
            );
        };
        info!("round {round}: {interface} has {address}");
        vm.unplug(&device, SEEN)?;
        let gone = wait_for(SEEN, || {
            Ok::<_, Outcome>(interface_of(&session, &nic.mac)?.is_none().then_some(()))
        })?;
        ensure!(
            gone.is_some(),
            "the guest still has {interface} in round {round}"
        );
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
