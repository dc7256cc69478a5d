//! The screen and the keyboard.

use std::time::Duration;

use vthost::prelude::*;
use vthost::{State, wait_for};

/// How long a key may take to have its effect.
const EFFECT: Duration = Duration::from_secs(60);

/// Takes a picture of the screen before and after something was typed on the first terminal, and checks that the guest got
/// what was typed.
#[vthost::test]
fn screendump(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let before = vm.screendump()?;
    info!("the screen: {before}");
    // What the first terminal shows: the login program there echoes what is typed.
    let typed = "Hello-1";
    vm.type_text(typed)?;
    let arrived = wait_for(EFFECT, || {
        let shown = session.cmd_output("cat /dev/vcs1")?;
        Ok::<_, Outcome>(shown.contains(typed).then_some(()))
    })?;
    ensure!(
        arrived.is_some(),
        "the first terminal does not show `{typed}`"
    );
    let after = vm.screendump()?;
    info!("the screen: {after}");
    Ok(())
}

/// Presses ctrl-alt-delete, which makes the guest reboot.
#[vthost::test]
fn sendkey(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    session.cmd("uname -r")?;
    vm.send_key(
        &test
            .params()
            .get("keys")
            .unwrap_or_else(|| "ctrl-alt-delete".to_owned()),
    )?;
    vm.wait_event("RESET", EFFECT)?;
    vm.wait_for_login()?;
    ensure!(
        vm.state()? == State::Running,
        "the machine does not run after the reboot"
    );
    Ok(())
}
