//! Building a program in the guest (guide, section "Building test applications").

use std::time::Duration;

use vthost::prelude::*;

/// How long copying and making may take.
const BUILD: Duration = Duration::from_secs(300);

/// Builds what lies in the pack's `deps/hello` in the guest, runs it, and checks that the second build has nothing to do.
#[vthost::test]
fn remote_build(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let session = vm.wait_for_login()?;
    let files = vm.files()?;
    let dir = files.build("hello", &[], BUILD)?;
    let printed = session.cmd(&format!("{dir}/hello"))?;
    ensure!(
        printed.trim() == "hello from the guest",
        "the program printed {printed:?}"
    );
    let made = format!("stat -c %Y.%i {dir}/hello");
    let before = session.cmd(&made)?;
    let again = files.build("hello", &[], BUILD)?;
    ensure!(again == dir, "the second build is in {again}, not in {dir}");
    ensure!(
        session.cmd(&made)? == before,
        "the second build made the program anew"
    );
    Ok(())
}
