//! What the real binary tells of itself, and how long that takes.

use std::time::{Duration, Instant};

use vthost_qemu::Binary;

use crate::common::binary;

#[test]
fn the_binary_tells_what_it_has_and_is_asked_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let binary = binary().with_cache(dir.path());
    let features = binary.features().expect("features");
    assert_eq!(features.arch, "x86_64");
    assert!(features.has_machine("q35") && features.has_machine("pc"));
    let q35 = features.machine("q35").expect("q35");
    let real = q35.alias_of.as_deref().expect("an alias");
    assert!(real.starts_with("pc-q35-") && features.has_machine(real));
    assert!(features.has_device("virtio-blk-pci") && !features.has_device("virtio-blk-pcx"));
    assert!(features.has_object("iothread") && features.has_command("blockdev-add"));
    assert!(features.has_cpu("Nehalem") && !features.has_cpu("Nehalen"));
    let details = binary.details().expect("details");
    assert!(details.device_has_property("virtio-blk-pci", "num-queues"));
    assert!(!details.device_has_property("virtio-blk-pci", "colour"));
    assert_eq!(
        details.property_type("virtio-blk-pci", "num-queues"),
        Some("uint16")
    );
    assert!(details.command_has_argument("blockdev-mirror", "sync"));
    let kept = std::fs::read_dir(dir.path()).expect("a directory").count();
    assert_eq!(kept, 2);
    let begun = Instant::now();
    for _ in 0..100 {
        binary.features().expect("features");
    }
    // What is in memory costs a few system calls; the bound leaves room for a busy host.
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn another_program_has_no_features() {
    let script = tempfile::tempdir().expect("a directory");
    let path = script.path().join("qemu");
    let text = "#!/bin/sh\ncase $1 in --version) echo 'QEMU emulator version 9.0.0';; *) echo nonsense;; esac\n";
    std::fs::write(&path, text).expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("executable");
    let binary = Binary::probe(Some(&path)).expect("it says that it is QEMU");
    let error = binary.features().expect_err("it does not answer");
    assert!(
        error.to_string().contains("answered 0 of 7 questions"),
        "{error}"
    );
}
