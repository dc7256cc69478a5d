//! Machines of other architectures: the boot loader U-Boot of Debian's `u-boot-qemu` is the smallest program that drives
//! a console and disks there.

use std::path::{Path, PathBuf};

use vthost_qemu::serial::Replay;
use vthost_qemu::spec::{
    Arch, DirectKernel, Drive, DriveFormat, DriveInterface, Firmware, MachineType, Nic, Serial, Vga,
};
use vthost_qemu::{Binary, Machine, MachineSpec};

use crate::common::{Bench, LONG, bare};

/// A boot loader of the package. Its absence is a failure, not a reason to pass.
fn loader(name: &str) -> PathBuf {
    let path = Path::new("/usr/lib/u-boot").join(name);
    assert!(path.exists(), "these tests need u-boot-qemu");
    path
}

fn binary(arch: Arch) -> Binary {
    match Binary::probe_for(arch, None) {
        Ok(binary) => binary,
        Err(error) => panic!("these tests need QEMU for {arch}: {error}"),
    }
}

/// A machine `virt` with a disk of 3 MiB, a network card and a console.
fn virt(bench: &Bench, arch: Arch) -> MachineSpec {
    let disk = bench.path().join("disk.raw");
    let file = std::fs::File::create(&disk).expect("a disk");
    file.set_len(3 << 20).expect("a size");
    MachineSpec {
        machine: MachineType::parse("virt", arch).expect("known"),
        memory_mib: 256,
        drives: vec![Drive::disk(
            "disk1",
            disk,
            DriveFormat::Raw,
            DriveInterface::VirtioBlk,
        )],
        nics: vec![Nic::virtio_user("nic1", &[22])],
        serials: vec![Serial::isa("serial0")],
        vga: Vga::None,
        ..bare("vm1")
    }
}

/// Boots, stops the countdown, looks at the disk, and switches the machine off from inside.
async fn drive(bench: &Bench, arch: Arch, spec: MachineSpec) {
    let machine = match Machine::start(spec, &binary(arch), bench.paths()).await {
        Ok(machine) => machine,
        Err(error) => panic!("the machine did not start: {error:#?}"),
    };
    machine.cont().await.expect("runs");
    let serial = machine.serial("serial0").expect("a console");
    let mut output = serial.subscribe(Replay::All);
    for (awaited, typed) in [
        ("Hit any key", " "),
        ("=> ", "virtio scan\n"),
        ("=> ", "virtio info\n"),
        ("Capacity: 3.0 MB", "poweroff\n"),
    ] {
        if let Err(error) = output.wait_for_bytes(awaited.as_bytes(), LONG).await {
            panic!("no {awaited:?} on {arch}: {error}");
        }
        serial.write(typed.as_bytes()).expect("typed");
    }
    let exit = machine.wait_exit(LONG).await.expect("it is switched off");
    assert!(exit.status.success(), "{exit:?}");
}

#[tokio::test]
async fn arm64_boots() {
    let bench = Bench::new();
    let spec = MachineSpec {
        firmware: Firmware::Bios(loader("qemu_arm64/u-boot.bin")),
        ..virt(&bench, Arch::Aarch64)
    };
    drive(&bench, Arch::Aarch64, spec).await;
}

#[tokio::test]
async fn riscv64_boots() {
    let bench = Bench::new();
    // OpenSBI is the firmware, and starts this as it would start Linux.
    let kernel = DirectKernel {
        kernel: loader("qemu-riscv64_smode/uboot.elf"),
        initrd: None,
        append: None,
    };
    let spec = MachineSpec {
        kernel: Some(kernel),
        // Its buffer for the device tree is too small for all extensions that `max` has.
        cpu: "rv64".parse().ok(),
        ..virt(&bench, Arch::Riscv64)
    };
    drive(&bench, Arch::Riscv64, spec).await;
}
