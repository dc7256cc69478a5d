//! Logical volumes.

use std::time::Duration;

use vthost::linux::Filesystem;
use vthost::prelude::*;

/// Makes a volume group of two disks, a volume on it, and a file system on that; grows it; finds it after a reboot
/// (`lvm`).
#[vthost::test(tags = ["block"])]
fn lvm(test: &Test) -> Result {
    let vm = test.main_vm()?;
    let mut session = vm.wait_for_login()?;
    if session.cmd_status("command -v lvcreate")? != 0 {
        bail_cancel!("the guest has no LVM");
    }
    let run =
        |session: &Session, command: &str| session.cmd_within(command, Duration::from_secs(180));
    run(&session, "pvcreate -ff -y /dev/vdb /dev/vdc")?;
    run(&session, "vgcreate vg_vthost /dev/vdb /dev/vdc")?;
    run(&session, "lvcreate -y -l 50%VG -n lv1 vg_vthost")?;
    let device = "/dev/vg_vthost/lv1";
    let filesystem = Filesystem::make(&session, device, "ext4")?;
    let sum = filesystem.write_random(&session, "file", 8)?;
    run(&session, &format!("lvextend -l +100%FREE {device}"))?;
    run(&session, &format!("resize2fs {device}"))?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.unmount(&session)?;
    session = vm.reboot()?;
    run(&session, "vgchange -a y vg_vthost")?;
    let filesystem = Filesystem::mount(&session, device)?;
    filesystem.verify(&session, "file", &sum)?;
    filesystem.unmount(&session)?;
    run(&session, "vgremove -f vg_vthost")?;
    Ok(())
}
