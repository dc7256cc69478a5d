//! Migrations that do not come to their end.

use vthost::linux::boot_id;
use vthost::prelude::*;
use vthost::{Migration, State};

use super::{migrate, protocol, timeout};

/// Cancels a migration and checks that the machine still runs where it was; then moves it (`migrate_cancel`).
#[vthost::test(tags = ["migration"])]
fn migrate_cancel(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let booted = boot_id(&session)?;
    let protocol = protocol(test);
    let slow = Migration {
        parameters: &[("max-bandwidth", 1 << 20)],
        ..Migration::by(&protocol)
    };
    let job = vm.start_migration(&slow)?;
    job.cancel()?;
    let end = job.wait(timeout(test)?)?;
    ensure!(
        end.status != 0,
        "a migration that was cancelled has ended well"
    );
    info!("{}", end.output.trim());
    ensure!(
        vm.state()? == State::Running,
        "the machine does not run after the migration was cancelled"
    );
    ensure!(
        boot_id(&session)? == booted,
        "the session is not that of the guest any more"
    );
    // What a migration was told holds for those after it, until they are told otherwise.
    let fast = Migration {
        parameters: &[("max-bandwidth", 1 << 30)],
        ..Migration::by(&protocol)
    };
    migrate(test, &vm, &fast)?;
    ensure!(
        boot_id(&vm.wait_for_login()?)? == booted,
        "the guest has booted anew"
    );
    Ok(())
}
