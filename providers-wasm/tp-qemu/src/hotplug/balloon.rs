//! The balloon.

use vthost::linux::meminfo;
use vthost::prelude::*;
use vthost::wait_for;

use super::SEEN;

/// Takes memory from the guest and gives it back (`balloon_check`).
#[vthost::test]
fn balloon_check(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd_output("modprobe virtio_balloon")?;
    let full = vm.balloon_size()?;
    let before = meminfo(&session, "MemTotal")?;
    for part in [3_u64, 2, 3, 4] {
        let wanted = full / 4 * part;
        vm.balloon(wanted)?;
        let reached = wait_for(SEEN, || {
            Ok::<_, Outcome>((vm.balloon_size()? == wanted).then_some(()))
        })?;
        ensure!(
            reached.is_some(),
            "the guest has {} bytes of memory and was asked for {wanted}",
            vm.balloon_size()?
        );
        let seen = meminfo(&session, "MemTotal")?;
        info!("{wanted} bytes: the guest sees {seen}");
        let expected = before - (full - wanted);
        ensure!(
            seen.abs_diff(expected) <= full / 50,
            "the guest sees {seen} bytes, and should see about {expected}"
        );
    }
    vm.verify_kernel_crash()?;
    Ok(())
}
