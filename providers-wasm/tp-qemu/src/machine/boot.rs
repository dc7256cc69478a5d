//! Boot.

use vthost::prelude::*;

/// Boots a guest, logs in, and checks that its machine is still alive.
#[vthost::test(tags = ["smoke"])]
fn boot(test: &Test) -> Result {
    let vm = test.main_vm()?;
    vm.verify_alive()?;
    let session = vm.wait_for_login()?;
    let name = session.cmd("uname -n")?;
    info!("logged in to {}", name.trim());
    vm.verify_alive()?;
    Ok(())
}
