//! Migrations of a guest that has little to do.

use vthost::linux::boot_id;
use vthost::prelude::*;
use vthost::{Migration, State};

use super::{finish, migrate, protocol, timeout};

/// Moves the machine `mig_rounds` times and checks that the guest has not noticed (`migrate`).
#[vthost::test(name = "migration", tags = ["migration"])]
fn migration(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let rounds: u32 = test.params().parse_or("mig_rounds", 1)?;
    let protocol = protocol(test);
    let session = vm.wait_for_login()?;
    let booted = boot_id(&session)?;
    session.cmd("echo kept > /dev/shm/before")?;
    for round in 1..=rounds {
        migrate(test, &vm, &Migration::by(&protocol))?;
        ensure!(
            vm.state()? == State::Running,
            "the machine does not run after round {round}"
        );
        let session = vm.wait_for_login()?;
        ensure!(
            boot_id(&session)? == booted,
            "the guest has booted anew in round {round}"
        );
        ensure!(
            session.cmd("cat /dev/shm/before")?.trim() == "kept",
            "what was in memory is lost in round {round}"
        );
        session.cmd("echo written > /root/after && sync && cat /root/after")?;
    }
    vm.verify_kernel_crash()?;
    Ok(())
}

/// Moves the machine, and reboots the guest before and after (`migration_with_reboot`).
#[vthost::test(tags = ["migration"])]
fn migration_with_reboot(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let protocol = protocol(test);
    vm.wait_for_login()?;
    let session = vm.reboot()?;
    let booted = boot_id(&session)?;
    migrate(test, &vm, &Migration::by(&protocol))?;
    let session = vm.reboot()?;
    ensure!(
        boot_id(&session)? != booted,
        "the guest did not boot anew after it had moved"
    );
    vm.verify_alive()?;
    Ok(())
}

/// Moves the machine with its memory following as it is needed (`migration_post_copy`).
#[vthost::test(tags = ["migration"])]
fn migrate_postcopy(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let booted = boot_id(&session)?;
    let protocol = protocol(test);
    let how = Migration {
        capabilities: &["postcopy-ram"],
        // Slow enough that the switch comes in the middle.
        parameters: &[("max-bandwidth", 16 << 20)],
        ..Migration::by(&protocol)
    };
    let job = vm.start_migration(&how)?;
    let active = vthost::wait_for(timeout(test)?, || {
        let status = vm.qmp("query-migrate", None)?;
        Ok::<_, Outcome>(status.contains("\"active\"").then_some(()))
    })?;
    ensure!(active.is_some(), "the migration does not begin");
    vm.start_postcopy()?;
    finish(test, &job)?;
    let session = vm.wait_for_login()?;
    ensure!(boot_id(&session)? == booted, "the guest has booted anew");
    Ok(())
}
