//! The whole of tp-qemu's configuration: every variant, name and all keys, as the reference expands it.
//!
//! The configuration and what the reference makes of it are not part of the repository; where they are absent the
//! tests say so and pass.

use std::fs::File;
use std::io;
use std::path::Path;

use vthost_cartesian::JsonWriter;

mod common;

fn unpack(archive: &Path, to: &Path) -> io::Result<()> {
    let plain = lzma_rust2::XzReader::new(File::open(archive)?, false);
    tar::Archive::new(plain).unpack(to)
}

/// Expands `tests.cfg` with these lines after it and compares the first `count` variants, which are all that there are
/// if there is a line.
fn compare(expected: &str, lines: &[&str], count: usize) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let archives = ["tp-qemu-cfg.tar.xz", "tp-qemu-expected.tar.xz"].map(|name| corpus.join(name));
    if let Some(absent) = archives.iter().find(|path| !path.exists()) {
        println!("skipped: no corpus at {}", absent.display());
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for archive in &archives {
        unpack(archive, dir.path())
            .unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    }
    let text = std::fs::read_to_string(dir.path().join(expected)).expect("the expected output");
    let mut wanted = text.lines();

    let root = dir.path().join("tp-qemu/tests.cfg");
    let config =
        common::read(&root.to_string_lossy(), lines).unwrap_or_else(|text| panic!("{text}"));
    // With lines, one more than there must be: to see that it is not there.
    let limit = count + usize::from(!lines.is_empty());
    let mut seen = 0;
    let mut writer = JsonWriter::default();
    for variant in config.variants().take(limit) {
        let variant = variant.unwrap_or_else(|error| panic!("{}", error.render()));
        seen += 1;
        let found = format!(
            "{:016x} {}",
            common::digest(&mut writer, &variant),
            variant.name()
        );
        let wanted = wanted.next().unwrap_or("(no more)");
        assert!(
            found == wanted,
            "{expected}, line {seen}:\nexpected {wanted}\nfound    {found}"
        );
    }
    if let Some(line) = wanted.next() {
        panic!(
            "{expected}, line {}:\nexpected {line}\nfound    (no more)",
            seen + 1
        );
    }
    assert_eq!(seen, count, "{expected} is not the one this test is about");
    println!("{expected}: {seen} variants equal");
}

#[test]
fn default() {
    let lines = [
        "only JeOS.27..x86_64..i440fx",
        "only qcow2",
        "only virtio_net",
        "only virtio_blk",
        "only smp2",
    ];
    compare("default.txt", &lines, 4_663);
}

#[test]
fn boot_all_guests() {
    let lines = [
        "only boot",
        "only q35",
        "only qcow2",
        "only smp2",
        "only virtio_scsi",
        "only virtio_net",
    ];
    compare("boot-all-guests.txt", &lines, 82);
}

#[test]
fn win10_q35() {
    let lines = [
        "only Win10..x86_64..q35",
        "only raw",
        "only virtio_scsi",
        "only smp2",
        "only virtio_net",
    ];
    compare("win10-q35.txt", &lines, 4_359);
}

#[test]
fn first_20_000() {
    compare("first20k.txt", &[], 20_000);
}
