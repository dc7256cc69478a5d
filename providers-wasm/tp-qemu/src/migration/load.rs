//! Migrations of a guest that works.

use std::time::Duration;

use vthost::linux::boot_id;
use vthost::prelude::*;
use vthost::{Migration, wait_for};

use super::{migrate, protocol};

/// Moves the machine while the guest writes to its memory and its disk (`migration_with_stress`).
#[vthost::test(tags = ["migration"])]
fn migrate_with_stress(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let protocol = protocol(test);
    let session = vm.wait_for_login()?;
    let booted = boot_id(&session)?;
    session.cmd("setsid stress --vm 1 --vm-bytes 32M --hdd 1 --hdd-bytes 4M --timeout 600 > /dev/null 2>&1 &")?;
    let running = "pgrep -x stress > /dev/null";
    let begun = wait_for(Duration::from_secs(60), || {
        Ok::<_, Outcome>((session.cmd_status(running)? == 0).then_some(()))
    })?;
    ensure!(begun.is_some(), "the load did not start in the guest");
    let how = Migration {
        // A guest under emulation writes faster than a short pause allows.
        parameters: &[("downtime-limit", 3_000)],
        ..Migration::by(&protocol)
    };
    migrate(test, &vm, &how)?;
    let session = vm.wait_for_login()?;
    ensure!(boot_id(&session)? == booted, "the guest has booted anew");
    ensure!(
        session.cmd_status(running)? == 0,
        "the load did not go on after the migration"
    );
    session.cmd("pkill -x stress")?;
    vm.verify_kernel_crash()?;
    Ok(())
}
