//! Disks.

use vthost::linux::{Filesystem, disks, new_disk, wait_for_disk_gone};
use vthost::prelude::*;

use super::SEEN;

/// Plugs disks in, uses them, and takes them out, several times (`block_hotplug`).
///
/// With `reboot_between = yes` the guest
/// boots anew while they are plugged in.
#[vthost::test(tags = ["hotplug", "block"])]
fn block_hotplug(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let rounds: u32 = params.parse_or("repeat_times", 2)?;
    let mut session = vm.wait_for_login()?;
    for round in 1..=rounds {
        let before = disks(&session)?;
        let device = vm.plug_disk("stg0", &[])?;
        info!("round {round}: plugged {device}");
        let disk = new_disk(&session, &before, SEEN)?;
        let filesystem = Filesystem::make(&session, &disk, "ext4")?;
        let sum = filesystem.write_random(&session, "file", 4)?;
        filesystem.verify(&session, "file", &sum)?;
        filesystem.unmount(&session)?;
        if params.flag_or("reboot_between", false) {
            session = vm.reboot()?;
            ensure!(
                disks(&session)?.contains(&disk),
                "{disk} is gone after a reboot"
            );
        }
        vm.unplug(&device, SEEN)?;
        wait_for_disk_gone(&session, &disk, SEEN)?;
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
