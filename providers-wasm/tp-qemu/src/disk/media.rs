//! CD drives.

use std::time::Duration;

use vthost::prelude::*;
use vthost::{Image, wait_for};

/// How long the guest may take to see another medium.
const SEEN: Duration = Duration::from_secs(60);

/// Puts a medium into the drive, reads it in the guest, ejects it, and puts another one in (`cdrom`, `change_media_check`).
#[vthost::test]
fn change_media(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let drive = test.params().objects("cdroms").into_iter().next();
    let Some(drive) = drive else {
        bail_error!("the variant has no CD drive (cdroms)");
    };
    let session = vm.wait_for_login()?;
    session.cmd_output("modprobe sr_mod")?;
    // A raw image serves as a medium: what the guest sees is its size.
    for (name, mebibytes) in [("first", 1_u64), ("second", 2)] {
        let size = format!("{mebibytes}M");
        let medium = Image::open(name, &[("image_format", "raw"), ("image_size", &size)])?;
        medium.create()?;
        vm.change_media(&drive, &[("cdrom", name)])?;
        let bytes = mebibytes << 20;
        let seen = wait_for(SEEN, || {
            let read = session.cmd_output("dd if=/dev/sr0 bs=64k 2>/dev/null | wc -c")?;
            Ok::<_, Outcome>((read.trim() == bytes.to_string()).then_some(()))
        })?;
        ensure!(
            seen.is_some(),
            "the guest does not read {bytes} bytes of the medium {name}"
        );
        vm.eject(&drive, true)?;
        let empty = wait_for(SEEN, || {
            let status =
                session.cmd_status("dd if=/dev/sr0 of=/dev/null bs=2k count=1 2>/dev/null")?;
            Ok::<_, Outcome>((status != 0).then_some(()))
        })?;
        ensure!(empty.is_some(), "the guest reads a medium that was ejected");
    }
    Ok(())
}
