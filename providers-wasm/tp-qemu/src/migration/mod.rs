//! Moving a running machine to another QEMU process.

mod basic;
mod cancel;
mod load;

use std::time::Duration;

use vthost::prelude::*;
use vthost::{Job, Migration};

/// How long a migration may take, when `mig_timeout` does not say.
const MIGRATION_S: u64 = 600;

/// The time that the parameter `mig_timeout` gives.
fn timeout(test: &Test) -> Result<Duration> {
    let seconds = test.params().parse_or("mig_timeout", MIGRATION_S)?;
    Ok(Duration::from_secs(seconds))
}

/// The protocol that the parameter `migration_protocol` names.
fn protocol(test: &Test) -> String {
    let protocol = test.params().get("migration_protocol");
    protocol.unwrap_or_else(|| "tcp".to_owned())
}

/// Waits until the machine has moved.
fn finish(test: &Test, job: &Job) -> Result {
    let end = job.wait(timeout(test)?)?;
    ensure!(end.status == 0, "the machine did not move: {}", end.output);
    info!("{}", end.output.trim());
    Ok(())
}

/// Moves the machine.
fn migrate(test: &Test, vm: &Vm, how: &Migration<'_>) -> Result {
    finish(test, &vm.start_migration(how)?)
}
