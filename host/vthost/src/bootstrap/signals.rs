//! Ctrl-C while a machine is made ready.

use std::thread;

use tokio::signal::unix::{SignalKind, signal};
use vthost_metadata::ExitCode;
use vthost_provider::bootstrap::interrupt;

use crate::failure::Failure;

/// Ends the build that runs when this process is to end: bootstrap then cleans up and says so. Where nothing is built
/// there is nothing to clean up: what is downloaded goes on where it stopped.
pub(super) fn listen() -> Result<(), Failure> {
    let failed = |error| Failure::system("listen to signals", &error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (mut interrupts, mut terminations) = {
        let _guard = runtime.enter();
        let listen = |kind| signal(kind).map_err(failed);
        (
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
        )
    };
    let watch = move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    Some(()) = interrupts.recv() => {}
                    Some(()) = terminations.recv() => {}
                    else => break,
                }
                if !interrupt() {
                    std::process::exit(ExitCode::Interrupted.code().into());
                }
            }
        });
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)
        .map_err(|error| Failure::system("start a thread", &error))?;
    Ok(())
}
