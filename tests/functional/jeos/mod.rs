//! The guest image: what `deps/jeos/README.md` promises of devices, each with a real one.

mod machine;

use serde_json::json;

use machine::{Disks, Guest, Tpm};

const VIRTIO: &str = "virtio-blk-pci";

/// Arguments of a network card of its own.
const CARD: [&str; 2] = ["-netdev", "user,id=net,restrict=on"];

/// Boots from a device, and says which drivers the root disk and the network card have.
fn boots(machine: &str, disk: &str, card: &str) {
    // The marker says that the card has an address.
    let arguments = ["-M", machine, "-m", "256", "-device", card];
    let mut guest = Guest::boot(disk, "ssh", &[&CARD[..], &arguments].concat());
    assert!(
        guest
            .run("ip -4 -o addr show dev eth0")
            .contains("10.0.2.15")
    );
}

#[test]
fn q35_boots_from_ahci_and_e1000e() {
    boots("q35", "ide-hd,bus=ide.0", "e1000e,netdev=net");
}

#[test]
fn q35_boots_from_nvme_and_igb() {
    boots("q35", "nvme,serial=root", "igb,netdev=net");
}

#[test]
fn pc_boots_from_ide_and_e1000() {
    boots("pc", "ide-hd,bus=ide.0", "e1000,netdev=net");
}

#[test]
fn pc_boots_from_scsi_and_rtl8139() {
    let arguments = ["-M", "pc", "-m", "256", "-device", "rtl8139,netdev=net"];
    let scsi = ["-device", "virtio-scsi-pci"];
    let mut guest = Guest::boot("scsi-hd", "ssh", &[&scsi[..], &CARD, &arguments].concat());
    assert!(
        guest
            .run("ip -4 -o addr show dev eth0")
            .contains("10.0.2.15")
    );
}

#[test]
fn q35_has_drivers_for_its_devices() {
    let disks = Disks::new();
    let stick = disks.empty("stick", 16);
    let (sata, cd, nvme) = (
        disks.empty("sata", 16),
        disks.empty("cd", 16),
        disks.empty("nvme", 16),
    );
    let (scsi, scsi_cd) = (disks.empty("scsi", 16), disks.empty("scsicd", 16));
    let mut arguments = vec!["-M", "q35", "-m", "512", "-smp", "2"];
    for drive in [&stick, &sata, &cd, &nvme, &scsi, &scsi_cd] {
        arguments.extend(["-drive", drive]);
    }
    for device in [
        "qemu-xhci,id=xhci",
        "usb-storage,drive=stick,serial=stick,bus=xhci.0",
        "usb-kbd,bus=xhci.0",
        "usb-mouse,bus=xhci.0",
        "usb-tablet,bus=xhci.0",
        "ide-hd,drive=sata,bus=ide.0",
        "ide-cd,drive=cd,bus=ide.1",
        "nvme,drive=nvme,serial=nvme",
        "virtio-scsi-pci,id=vscsi",
        "scsi-hd,drive=scsi,bus=vscsi.0",
        "scsi-cd,drive=scsicd,bus=vscsi.0",
        "virtio-balloon-pci",
        "virtio-rng-pci",
        "virtio-keyboard-pci",
        "virtio-tablet-pci",
        "virtio-gpu-pci",
        "i6300esb",
        "pvpanic-pci",
        "intel-hda",
        "hda-duplex,audiodev=none",
        "virtio-9p-pci,fsdev=shared,mount_tag=shared",
    ] {
        arguments.extend(["-device", device]);
    }
    let shared = tempfile::tempdir().unwrap();
    std::fs::write(shared.path().join("hello"), "from the host").unwrap();
    let fsdev = format!(
        "local,id=shared,security_model=none,path={}",
        shared.path().display()
    );
    arguments.extend(["-audiodev", "none,id=none", "-fsdev", &fsdev]);
    let mut guest = Guest::boot(VIRTIO, "console", &arguments);

    for (driver, count) in [
        ("pci/drivers/xhci_hcd", 1),
        ("usb/drivers/usbhid", 3),
        ("hid/drivers/hid-generic", 3),
        ("usb/drivers/usb-storage", 1),
        ("pci/drivers/ahci", 1),
        ("pci/drivers/nvme", 1),
        ("scsi/drivers/sd", 3),
        ("scsi/drivers/sr", 2),
        ("virtio/drivers/virtio_balloon", 1),
        ("virtio/drivers/virtio_rng", 1),
        ("virtio/drivers/virtio_input", 2),
        ("virtio/drivers/virtio_gpu", 1),
        ("virtio/drivers/9pnet_virtio", 1),
        ("platform/drivers/iTCO_wdt", 1),
        ("pci/drivers/pvpanic-pci", 1),
        ("pci/drivers/snd_hda_intel", 1),
        ("hdaudio/drivers/snd_hda_codec_generic", 1),
    ] {
        // Devices are links here, and what else is there is not.
        let bound = format!("find /sys/bus/{driver} -type l ! -name module");
        guest.wait_for(&format!("[ $({bound} | wc -l) = {count} ]"));
    }
    guest.wait_for("lsusb | grep -q 'QEMU USB HARDDRIVE'");
    guest.wait_for("lsblk -dno TRAN,SIZE | grep -q '^usb *16M'");
    guest.wait_for("[ -c /dev/watchdog1 ] && [ -c /dev/dri/card0 ] && [ -c /dev/snd/pcmC0D0p ]");
    guest.run("mkdir /tmp/shared && mount -t 9p -o trans=virtio shared /tmp/shared");
    assert_eq!(guest.run("cat /tmp/shared/hello"), "from the host");
}

#[test]
fn pc_has_drivers_for_its_devices() {
    let disks = Disks::new();
    let (floppy, stick, cd) = (
        disks.empty("floppy", 1),
        disks.empty("stick", 16),
        disks.empty("cd", 16),
    );
    let floppy = floppy.replace("if=none", "if=none,readonly=on");
    let lsi = disks.empty("lsi", 16);
    let mut arguments = vec!["-M", "pc", "-m", "512", "-audiodev", "none,id=none"];
    for drive in [&floppy, &stick, &cd, &lsi] {
        arguments.extend(["-drive", drive]);
    }
    for device in [
        "floppy,drive=floppy,drive-type=144",
        "piix3-usb-uhci,id=uhci",
        "usb-kbd,bus=uhci.0",
        "usb-ehci,id=ehci",
        "usb-storage,drive=stick,bus=ehci.0",
        "ide-cd,drive=cd,bus=ide.1",
        "lsi53c895a,id=lsi",
        "scsi-hd,drive=lsi,bus=lsi.0",
        "AC97,audiodev=none",
        "pvpanic",
    ] {
        arguments.extend(["-device", device]);
    }
    let mut guest = Guest::boot(VIRTIO, "console", &arguments);
    for (driver, count) in [
        ("pci/drivers/uhci_hcd", 1),
        ("pci/drivers/ehci-pci", 1),
        ("usb/drivers/usbhid", 1),
        ("usb/drivers/usb-storage", 1),
        ("pci/drivers/ata_piix", 1),
        ("scsi/drivers/sr", 1),
        ("pci/drivers/sym53c8xx", 1),
        ("scsi/drivers/sd", 2),
        ("pci/drivers/snd_intel8x0", 1),
        ("platform/drivers/pvpanic-mmio", 1),
    ] {
        let bound = format!("find /sys/bus/{driver} -type l ! -name module");
        guest.wait_for(&format!("[ $({bound} | wc -l) = {count} ]"));
    }
    guest.wait_for("[ -b /dev/fd0 ] && dd if=/dev/fd0 of=/dev/null bs=512 count=4");
}

#[test]
fn q35_has_a_tpm() {
    for model in ["tpm-tis", "tpm-crb"] {
        let tpm = Tpm::start();
        let backend = tpm.backend();
        let device = format!("{model},tpmdev=tpm");
        let arguments = ["-M", "q35", "-m", "256", "-device", &device];
        let mut guest = Guest::boot(
            VIRTIO,
            "console",
            &[&backend.each_ref().map(String::as_str)[..], &arguments].concat(),
        );
        assert_eq!(
            guest.run("cat /sys/class/tpm/tpm0/tpm_version_major"),
            "2\n",
            "{model}"
        );
        guest.run("[ -c /dev/tpm0 ] && grep -qx '[0-9A-F]*' /sys/class/tpm/tpm0/pcr-sha256/0");
    }
}

#[test]
fn memory_and_processors_that_are_plugged_are_used() {
    let arguments = [
        "-M",
        "q35",
        "-m",
        "512,slots=2,maxmem=2G",
        "-smp",
        "1,maxcpus=2",
    ];
    let mut guest = Guest::boot(VIRTIO, "console", &arguments);
    let before = total_kib(&mut guest);
    guest.qmp(&json!({"execute": "object-add", "arguments": {"qom-type": "memory-backend-ram", "id": "more", "size": 256 << 20}}));
    guest.qmp(&json!({"execute": "device_add", "arguments": {"driver": "pc-dimm", "id": "dimm", "memdev": "more"}}));
    guest.wait_for(&format!(
        "[ $(awk '/^MemTotal/ {{ print $2 }}' /proc/meminfo) = {} ]",
        before + (256 << 10)
    ));
    // It can go again.
    guest.qmp(&json!({"execute": "device_del", "arguments": {"id": "dimm"}}));
    guest.event("DEVICE_DELETED");
    assert_eq!(total_kib(&mut guest), before);

    assert_eq!(guest.run("nproc"), "1\n");
    let cpu = json!({"driver": "Nehalem-x86_64-cpu", "id": "cpu1", "socket-id": 0, "core-id": 1, "thread-id": 0});
    guest.qmp(&json!({"execute": "device_add", "arguments": cpu}));
    guest.wait_for("[ $(nproc) = 2 ]");
}

fn total_kib(guest: &mut Guest) -> u64 {
    let total = guest.run("awk '/^MemTotal/ { print $2 }' /proc/meminfo");
    total.trim().parse().unwrap()
}

#[test]
fn suspended_to_memory_and_woken_the_guest_goes_on() {
    for machine in ["pc", "q35"] {
        let card = ["-device", "virtio-net-pci,netdev=net"];
        let arguments = ["-M", machine, "-m", "256", "-smp", "2"];
        let mut guest = Guest::boot(VIRTIO, "ssh", &[&CARD[..], &card, &arguments].concat());
        guest.run("(echo mem > /sys/power/state && echo woken) & true");
        guest.event("SUSPEND");
        guest.qmp(&json!({"execute": "system_wakeup"}));
        guest.event("WAKEUP");
        // The serial port loses what is sent before its driver is back.
        guest.read_until("woken\r\n");
        // Disk and network answer.
        guest.run(
            "dd if=/dev/vda of=/dev/null bs=1M count=8 iflag=direct && ping -c 1 -w 30 10.0.2.2",
        );
    }
}

#[test]
fn volumes_and_programs_can_be_made() {
    let disks = Disks::new();
    let (one, two) = (disks.empty("one", 64), disks.empty("two", 64));
    let drives = ["-drive", &one, "-drive", &two];
    let devices = [
        "-device",
        "virtio-blk-pci,drive=one,serial=one",
        "-device",
        "virtio-blk-pci,drive=two,serial=two",
    ];
    let mut guest = Guest::boot(
        VIRTIO,
        "console",
        &[&["-M", "q35", "-m", "256"], &drives[..], &devices].concat(),
    );
    guest.wait_for("cd /dev/disk/by-id && [ -b virtio-one ] && [ -b virtio-two ]");
    guest.run("one=$(realpath virtio-one) two=$(realpath virtio-two); pvcreate -q $one $two");
    guest.run("vgcreate -q vg $one $two && lvcreate -q -y -L 80M -n lv vg");
    guest.run("mkfs.ext4 -q /dev/vg/lv && mkdir /tmp/lv && mount /dev/vg/lv /tmp/lv && echo kept > /tmp/lv/file");
    guest.run(
        "umount /tmp/lv && vgchange -q -an vg && vgchange -q -ay vg && mount /dev/vg/lv /tmp/lv",
    );
    assert_eq!(guest.run("cat /tmp/lv/file"), "kept\n");
    guest.run("umount /tmp/lv && lvremove -q -y vg/lv && vgremove -q vg && pvremove -q $one $two");

    guest.run("mkdir /tmp/build && cd /tmp/build && printf 'hello: hello.c\\n' > Makefile");
    guest.run(r#"printf '#include <stdio.h>\n#include <pthread.h>\nint main(void) { return puts("built here") < 0; }\n' > hello.c"#);
    guest.run("make");
    assert_eq!(guest.run("./hello"), "built here\n");
    let free: u64 = guest
        .run("df --output=avail -m / | tail -1")
        .trim()
        .parse()
        .unwrap();
    assert!(free > 900, "{free} MiB are free");
}
