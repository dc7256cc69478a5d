//! The network of the guest.

use std::time::Duration;

use vthost::linux::{interface_of, loss_of_ping};
use vthost::prelude::*;
use vthost::wait_for;

/// The host's side of the guest's network: the gateway; where there is none, because the guest is kept from what is
/// beyond, the second address of the network, which is the host's in QEMU's user network.
fn host_side(session: &Session) -> Result<String> {
    let routes = session.cmd("ip -4 route show")?;
    let mut words = routes.lines().map(|line| line.split_whitespace());
    let gateway = words.clone().find_map(|mut words| {
        let is_default = words.next() == Some("default") && words.next() == Some("via");
        is_default.then(|| words.next()).flatten()
    });
    if let Some(gateway) = gateway {
        return Ok(gateway.to_owned());
    }
    let network = words.find_map(|mut words| words.next()?.strip_suffix(".0/24"));
    let Some(network) = network else {
        bail_error!("the guest has no network: {}", routes.trim());
    };
    Ok(format!("{network}.2"))
}

/// Sends packets from the guest to the host's side of its network (`ping`).
#[vthost::test(tags = ["network"])]
fn ping(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let count: u32 = params.parse_or("ping_counts", 5)?;
    let session = vm.wait_for_login()?;
    let address = match params.get("ping_address") {
        Some(address) => address,
        None => host_side(&session)?,
    };
    let loss = loss_of_ping(&session, &address, count)?;
    ensure!(
        loss == 0.0,
        "{loss} % of {count} packets to {address} were lost"
    );
    Ok(())
}

/// Takes the cable of the network card out and plugs it in again (`set_link`).
#[vthost::test(tags = ["network"])]
fn set_link(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let Some(nic) = vm.nics()?.into_iter().next() else {
        bail_error!("the machine has no network card");
    };
    // Over the console: it does not depend on the cable.
    let session = vm.wait_for_serial_login()?;
    let Some(interface) = interface_of(&session, &nic.mac)? else {
        bail_fail!("the guest has no card with the address {}", nic.mac);
    };
    for (up, expected) in [(false, "0"), (true, "1")] {
        vm.set_link(&nic.name, up)?;
        let seen = wait_for(Duration::from_secs(60), || {
            let carrier = session.cmd_output(&format!("cat /sys/class/net/{interface}/carrier"))?;
            Ok::<_, Outcome>((carrier.trim() == expected).then_some(()))
        })?;
        ensure!(
            seen.is_some(),
            "the guest does not see that the cable is {}",
            if up { "in" } else { "out" }
        );
    }
    vm.wait_for_login()?.cmd("uname -n")?;
    Ok(())
}
