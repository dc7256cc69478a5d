//! Every variant of `tp-qemu.wasm` passes in the guest that `vthost bootstrap` builds.

use std::collections::BTreeSet;

use vthost_metadata::Status;
use vthost_tests::{output, pack, run, vthost};

/// A test for each variant: its name here, and its name in the pack.
macro_rules! variants {
    ($name:ident: $($(#[$slow:meta])* $test:ident = $variant:literal,)+) => {
        /// The variants that have a test here.
        const $name: &[&str] = &[$($variant),+];
        $(
            #[test]
            $(#[$slow])*
            fn $test() {
                passes($variant);
            }
        )+
    };
}

#[track_caller]
fn passes(variant: &str) {
    let job = run(&["tp-qemu"], &[variant]);
    job.assert_statuses(&[Status::Pass]);
    job.assert_nothing_left();
}

variants! { VARIANTS:
    boot = "boot",
    uptime = "uptime",
    reboot = "reboot",
    #[ignore = "slow"] system_reset = "system_reset",
    shutdown = "shutdown",
    #[ignore = "slow"] system_powerdown = "system_powerdown",
    #[ignore = "slow"] qmp_basic = "qmp_basic",
    serial_login = "serial_login",
    multi_vm = "multi_vm",
    #[ignore = "slow"] stop_continue = "stop_continue",
    guest_suspend = "guest_suspend",
    screendump = "screendump",
    #[ignore = "slow"] sendkey = "sendkey",
    #[ignore = "slow"] watchdog = "watchdog",
    pvpanic = "pvpanic",
    #[ignore = "slow"] hwclock = "hwclock",
    #[ignore = "slow"] timedrift = "timedrift",
    #[ignore = "slow"] clocksource = "clocksource",
    #[ignore = "slow"] driver_load = "driver_load",
    #[ignore = "slow"] rng_bat = "rng_bat",
    #[ignore = "slow"] ping = "ping",
    #[ignore = "slow"] set_link = "set_link",
    file_transfer = "file_transfer",
    #[ignore = "slow"] file_transfer_tree = "file_transfer_tree",
    remote_build = "remote_build",
    qemu_guest_agent = "qemu_guest_agent.gagent_basic",
    #[ignore = "slow"] guest_agent_fsfreeze = "qemu_guest_agent.gagent_fsfreeze",
    #[ignore = "slow"] guest_agent_shutdown = "qemu_guest_agent.gagent_shutdown",
    virtio_serial = "virtio_serial",
    #[ignore = "slow"] physical_resources_check = "physical_resources_check",
    #[ignore = "slow"] smbios_table = "smbios_table",
    #[ignore = "slow"] usb_basic_check = "usb_basic_check",
    #[ignore = "slow"] fillup_disk = "second_disk.fillup_disk",
    #[ignore = "slow"] format_disk = "second_disk.format_disk",
    #[ignore = "slow"] block_resize = "second_disk.block_resize",
    #[ignore = "slow"] live_snapshot = "second_disk.live_snapshot",
    blockdev_commit = "second_disk.blockdev_commit",
    #[ignore = "slow"] blockdev_commit_middle = "second_disk.blockdev_commit_middle",
    #[ignore = "slow"] blockdev_stream = "second_disk.blockdev_stream",
    #[ignore = "slow"] block_job_control = "second_disk.block_job_control",
    blockdev_mirror_simple = "second_disk.blockdev_mirror_simple",
    #[ignore = "slow"] blockdev_mirror_cancel = "second_disk.blockdev_mirror_cancel",
    #[ignore = "slow"] blockdev_full_backup = "second_disk.blockdev_full_backup",
    #[ignore = "slow"] blockdev_inc_backup = "second_disk.blockdev_inc_backup",
    #[ignore = "slow"] lvm = "second_disk.lvm",
    change_media = "change_media",
    savevm_loadvm = "savevm_loadvm",
    block_hotplug = "block_hotplug.blk_virtio",
    #[ignore = "slow"] block_hotplug_scsi = "block_hotplug.blk_scsi",
    #[ignore = "slow"] block_hotplug_with_reboot = "block_hotplug.with_reboot",
    nic_hotplug = "nic_hotplug",
    usb_hotplug = "usb_hotplug",
    cpu_hotplug = "cpu_hotplug",
    hotplug_mem = "hotplug_mem",
    #[ignore = "slow"] balloon_check = "balloon_check",
    migrate_tcp = "migrate.default.tcp",
    #[ignore = "slow"] migrate_unix = "migrate.default.unix",
    #[ignore = "slow"] migrate_exec = "migrate.default.exec",
    #[ignore = "slow"] migrate_fd = "migrate.default.fd",
    #[ignore = "slow"] migrate_ping_pong = "migrate.ping_pong.tcp",
    #[ignore = "slow"] migrate_with_reboot = "migrate.with_reboot.tcp",
    migrate_with_stress = "migrate.with_stress.tcp",
    migrate_postcopy = "migrate.postcopy.unix",
    #[ignore = "slow"] migrate_cancel = "migrate.cancel.tcp",
    #[ignore = "slow"] qemu_img_check = "qemu_img.check",
    qemu_img_convert = "qemu_img.convert",
    qemu_img_create = "qemu_img.create",
    qemu_img_resize = "qemu_img.resize",
    qemu_img_measure = "qemu_img.measure",
    qemu_img_commit = "qemu_img.commit",
    qemu_img_rebase = "qemu_img.rebase",
    qemu_img_snapshot = "qemu_img.snapshot",
}

#[test]
fn no_variant_is_forgotten() {
    let mut list = vthost();
    list.args(["list", "--json", "--provider"])
        .arg(pack("tp-qemu"));
    let printed = output(&mut list);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let listed: BTreeSet<String> = printed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|test: serde_json::Value| test["name"].as_str().unwrap().to_owned())
        .collect();
    let tested = VARIANTS.iter().map(|name| format!("tp-qemu.{name}"));
    assert_eq!(listed, tested.collect());
}
