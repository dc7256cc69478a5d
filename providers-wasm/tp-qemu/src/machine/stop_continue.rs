//! Stopping the processors and letting them go on.

use std::time::Duration;

use vthost::State;
use vthost::linux::boot_id;
use vthost::prelude::*;

/// Stops the machine and lets it go on, several times, while the guest works; the guest must not notice but by the time
/// that is missing.
#[vthost::test]
fn stop_continue(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let rounds: u32 = test.params().parse_or("repeat_times", 3)?;
    let session = vm.wait_for_login()?;
    let before = boot_id(&session)?;
    let work =
        session.start("i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; sleep 0.05; done")?;
    for round in 1..=rounds {
        vm.pause()?;
        ensure!(
            vm.state()? == State::Paused,
            "the machine is not paused in round {round}"
        );
        let stuck = session.cmd_status_output_within("echo alive", Duration::from_secs(2));
        ensure!(
            stuck.is_err(),
            "a guest whose processors are stopped answers in round {round}"
        );
        vm.resume()?;
        ensure!(
            vm.state()? == State::Running,
            "the machine does not run in round {round}"
        );
    }
    let work = work.wait(Duration::from_secs(240))?;
    ensure!(
        work.status == 0 && work.output.trim_end().ends_with("200"),
        "the work of the guest ended with {}: {}",
        work.status,
        work.output
    );
    let after = boot_id(&vm.wait_for_login()?)?;
    ensure!(before == after, "the guest has booted anew");
    vm.verify_kernel_crash()?;
    Ok(())
}
