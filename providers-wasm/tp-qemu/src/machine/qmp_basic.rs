//! The monitor: what it answers, what it refuses, and what it reports by itself.

use std::time::Duration;

use vthost::prelude::*;
use vthost::{QmpError, State};

/// Checks that the monitor answers, refuses what is wrong, and reports what happens.
#[vthost::test]
fn qmp_basic(test: &Test) -> Result {
    let vm = test.main_vm()?;
    answers(&vm)?;
    refuses(&vm)?;
    reports(&vm)?;
    vm.verify_alive()?;
    Ok(())
}

/// Asks for the version, the status and the list of commands.
fn answers(vm: &Vm) -> Result {
    let version = vm.qmp("query-version", None)?;
    info!("version: {version}");
    ensure!(version.contains("\"major\""), "no version in {version}");
    let status = vm.qmp("query-status", None)?;
    ensure!(
        status.contains("\"running\""),
        "the machine does not run: {status}"
    );
    let commands = vm.qmp("query-commands", None)?;
    for command in ["query-status", "stop", "cont"] {
        let name = format!("\"{command}\"");
        ensure!(
            commands.contains(&name),
            "the monitor does not list {command}"
        );
    }
    Ok(())
}

/// Sends an unknown command, a wrong argument, and an argument of the wrong type.
fn refuses(vm: &Vm) -> Result {
    let wrong = [
        ("query-nothing-at-all", None, "CommandNotFound"),
        ("query-status", Some(r#"{"unexpected": 1}"#), "GenericError"),
        ("balloon", Some(r#"{"value": "much"}"#), "GenericError"),
    ];
    for (command, arguments, expected) in wrong {
        match vm.qmp(command, arguments) {
            Err(QmpError::Refused { class, desc }) => {
                info!("{command} is refused: {class}: {desc}");
                ensure!(
                    class == expected,
                    "{command} is refused with {class}, not {expected}"
                );
            }
            Err(error) => return Err(error.into()),
            Ok(answer) => bail_fail!("{command} with {arguments:?} is accepted: {answer}"),
        }
    }
    Ok(())
}

/// Stops the machine and lets it go on, and waits for the event of each.
fn reports(vm: &Vm) -> Result {
    let timeout = Duration::from_secs(10);
    vm.pause()?;
    vm.wait_event("STOP", timeout)?;
    ensure!(
        vm.state()? == State::Paused,
        "the machine is not paused after STOP"
    );
    vm.resume()?;
    vm.wait_event("RESUME", timeout)?;
    ensure!(
        vm.state()? == State::Running,
        "the machine does not run after RESUME"
    );
    Ok(())
}
