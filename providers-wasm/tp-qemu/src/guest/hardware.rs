//! What the guest sees of its hardware.

use std::time::Duration;

use vthost::linux::{interface_of, meminfo, online_cpus};
use vthost::prelude::*;
use vthost::wait_for;

/// How long the guest may take to find a device.
const SEEN: Duration = Duration::from_secs(60);

/// Compares processors, memory and network cards in the guest with those of the machine (`physical_resources_check`).
#[vthost::test]
fn physical_resources_check(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = vm.params();
    let session = vm.wait_for_login()?;
    let cpus: u32 = params.parse_or("smp", 1)?;
    let seen = online_cpus(&session)?;
    ensure!(
        seen == cpus,
        "the machine has {cpus} processors, the guest sees {seen}"
    );
    let memory: u64 = params.parse_or::<u64>("mem", 1024)? << 20;
    let seen = meminfo(&session, "MemTotal")?;
    // The kernel keeps some for itself.
    ensure!(
        seen <= memory && seen > memory / 10 * 8,
        "the machine has {memory} bytes of memory, the guest sees {seen}"
    );
    for nic in vm.nics()? {
        let interface = interface_of(&session, &nic.mac)?;
        let Some(interface) = interface else {
            bail_fail!(
                "the guest has no card with the address {} ({})",
                nic.mac,
                nic.name
            );
        };
        info!("{} is {interface} in the guest", nic.name);
    }
    Ok(())
}

/// Reads the tables of the firmware (`smbios_table`).
#[vthost::test]
fn smbios_table(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let read = |name: &str| -> Result<String> {
        let text = session.cmd(&format!("cat /sys/class/dmi/id/{name}"))?;
        Ok(text.trim().to_owned())
    };
    let vendor = read("sys_vendor")?;
    info!("the machine is {} of {vendor}", read("product_name")?);
    ensure!(!vendor.is_empty(), "the firmware names no vendor");
    if let Some(uuid) = vm.params().get("uuid").filter(|uuid| !uuid.is_empty()) {
        let seen = read("product_uuid")?;
        ensure!(
            seen.eq_ignore_ascii_case(&uuid),
            "the machine is {uuid}, the guest reads {seen}"
        );
    }
    Ok(())
}

/// Looks for the USB devices of the machine in the guest (`usb_basic_check`).
#[vthost::test(tags = ["usb"])]
fn usb_basic_check(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let expected = test.params().require("usb_product")?;
    check_usb(&session, &expected)?;
    check_usb(&vm.reboot()?, &expected)
}

/// Waits for a device: the guest finds its USB devices while it boots, and does not wait for them.
fn check_usb(session: &Session, expected: &str) -> Result {
    let mut products = String::new();
    let found = wait_for(SEEN, || {
        products = session.cmd_output("cat /sys/bus/usb/devices/*/product")?;
        Ok::<_, Outcome>(products.contains(expected).then_some(()))
    })?;
    ensure!(
        found.is_some(),
        "the guest has no USB device `{expected}`; it has {}",
        products.trim()
    );
    Ok(())
}
