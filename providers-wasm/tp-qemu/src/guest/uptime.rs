//! The first test of the guide.

use vthost::prelude::*;

/// Asks a guest how long it is up.
#[vthost::test(tags = ["smoke"])]
fn uptime(test: &Test) -> Result {
    let vm = test.main_vm()?;
    vm.verify_alive()?;
    let session = vm.wait_for_login()?;
    let uptime = session.cmd("uptime")?;
    info!("guest uptime result is: {}", uptime.trim());
    session.close();
    Ok(())
}
