//! Several machines at once.

use vthost::linux::boot_id;
use vthost::prelude::*;

/// Logs in to every machine of the test, and checks that each is one of its own.
#[vthost::test(tags = ["smoke"])]
fn multi_vm(test: &Test) -> Result {
    let names = test.vms();
    ensure!(names.len() > 1, "the variant has one machine only (vms)");
    let mut seen: Vec<(String, String)> = Vec::new();
    for name in names {
        let vm = test.vm(&name)?;
        vm.verify_alive()?;
        let session = vm.wait_for_login()?;
        let id = boot_id(&session)?;
        info!("{name} has booted as {id}");
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == id) {
            bail_fail!("{name} and {other} are one machine: both have booted as {id}");
        }
        seen.push((name, id));
    }
    for (name, _) in &seen {
        test.vm(name)?.verify_alive()?;
    }
    Ok(())
}
