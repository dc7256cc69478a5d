//! Shutdown.

use std::time::Duration;

use vthost::prelude::*;
use vthost::{ShutdownMethod, State};

/// Shuts a guest down and checks that its machine ends.
#[vthost::test]
fn shutdown(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let params = test.params();
    let timeout = Duration::from_secs(params.parse_or("shutdown_timeout", 120)?);
    let _session = vm.wait_for_login()?;
    let method = match params.get("shutdown_method").as_deref() {
        None | Some("shell") => ShutdownMethod::Shell,
        Some("system_powerdown") => ShutdownMethod::SystemPowerdown,
        Some(other) => {
            bail_error!("shutdown_method is `{other}`; it can be `shell` or `system_powerdown`")
        }
    };
    if let Err(error) = vm.shutdown_by(method, timeout) {
        bail_fail!("the guest did not shut down: {error}");
    }
    let state = vm.state()?;
    ensure!(
        state == State::Off,
        "the machine is {state:?} after the shutdown"
    );
    Ok(())
}
