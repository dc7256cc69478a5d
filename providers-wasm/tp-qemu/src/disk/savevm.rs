//! The state of a machine inside its images.

use vthost::linux::boot_id;
use vthost::prelude::*;

use super::JOB;

/// Saves the machine, changes the guest, and goes back (`savevm_loadvm`).
#[vthost::test]
fn savevm_loadvm(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd("echo before > /root/state; sync; echo kept > /dev/shm/state")?;
    let booted = boot_id(&session)?;
    vm.savevm("saved", JOB)?;
    session.cmd("echo after > /root/state; echo lost > /dev/shm/later; sync")?;
    vm.loadvm("saved", JOB)?;
    let session = vm.wait_for_login()?;
    ensure!(boot_id(&session)? == booted, "the guest has booted anew");
    ensure!(
        session.cmd("cat /root/state")?.trim() == "before",
        "the disk did not go back"
    );
    ensure!(
        session.cmd("cat /dev/shm/state")?.trim() == "kept",
        "the memory is not that of the saved state"
    );
    ensure!(
        session.cmd_status("test -e /dev/shm/later")? != 0,
        "the memory did not go back"
    );
    vm.delvm("saved", JOB)?;
    ensure!(
        vm.loadvm("saved", JOB).is_err(),
        "a state that was removed can be loaded"
    );
    vm.verify_alive()?;
    Ok(())
}
