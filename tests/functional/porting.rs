//! A provider of today, laid out as the guide says, of which a part runs already.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use vthost_metadata::{ListEntry, TestKind};
use vthost_tests::{Printed, output, pack, vthost};

/// A provider with two tests, one of them in a pack, and a home of vthost.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        lab.write(
            "tp-lab/generic/tests/nothing.py",
            "def run(test, params, env):\n    pass\n",
        );
        lab.write(
            "tp-lab/generic/tests/warning.py",
            "def run(test, params, env):\n    pass\n",
        );
        lab.write(
            "tp-lab/generic/tests/cfg/nothing.cfg",
            "- nothing:\n    vms =\n    type = nothing\n    variants:\n        - a:\n        - b:\n",
        );
        lab.write(
            "tp-lab/qemu/tests/cfg/warning.cfg",
            "- warning:\n    type = warning\n",
        );
        fs::copy(
            pack("fixture-nothing"),
            lab.path("tp-lab/generic/tests/nothing.wasm"),
        )
        .unwrap();
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn vthost(&self, args: &[&str]) -> Printed {
        output(
            vthost()
                .env("VTHOST_HOME", self.path("home"))
                .current_dir(self.0.path())
                .args(args),
        )
    }

    fn list(&self, args: &[&str]) -> Vec<ListEntry> {
        let printed = self.vthost(&[&["list", "--json"], args].concat());
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let entry = |line| serde_json::from_str(line).unwrap();
        printed.stdout.lines().map(entry).collect()
    }

    /// Names and kinds of what is listed.
    fn kinds(&self, args: &[&str]) -> Vec<(String, TestKind)> {
        let listed = self.list(args).into_iter();
        listed.map(|entry| (entry.name, entry.kind)).collect()
    }
}

fn named<const N: usize>(kinds: [(&str, TestKind); N]) -> Vec<(String, TestKind)> {
    kinds.map(|(name, kind)| (name.to_owned(), kind)).to_vec()
}

#[test]
fn what_is_ported_and_what_is_not() {
    let lab = Lab::new();
    let expected = named([
        ("type_specific.tp-lab.warning", TestKind::NoTest),
        ("tp-lab.nothing.a", TestKind::Ready),
        ("tp-lab.nothing.b", TestKind::Ready),
    ]);
    assert_eq!(lab.kinds(&["--provider", "tp-lab"]), expected);
    let entry = &lab.list(&["--provider", "tp-lab", "warning"])[0];
    assert_eq!(entry.pack, None);
    assert_eq!(
        entry.note.as_deref(),
        Some("no wasm test for type `warning` in the provider tp-lab")
    );
    let source = lab
        .path("tp-lab/qemu/tests/cfg/warning.cfg")
        .canonicalize()
        .unwrap();
    assert_eq!(entry.source, Some(format!("{}:2", source.display())));
    assert!(
        lab.vthost(&["list", "--provider", "tp-lab"])
            .stdout
            .ends_with("3 tests: 2 ready, 1 without a wasm test\n")
    );
}

#[test]
fn an_installed_provider_is_used_without_a_word_and_never_stale() {
    let lab = Lab::new();
    let uri = format!("file://{}", lab.path("tp-lab").display());
    let added = lab.vthost(&["provider", "add", &uri, "--name", "lab"]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert_eq!(lab.kinds(&["nothing"]).len(), 2);
    // The guide's walk: a new test needs a file, and here nothing else.
    lab.write(
        "tp-lab/generic/tests/cfg/uptime.cfg",
        "- uptime:\n    virt_test_type = qemu libvirt\n    type = uptime\n",
    );
    assert_eq!(
        lab.kinds(&["uptime"]),
        named([("lab.uptime", TestKind::NoTest)])
    );
    let shown = lab.vthost(&["provider", "show", "lab", "--porting", "--json"]);
    let porting: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(
        (&porting["ported"], &porting["variants"]),
        (&2.into(), &4.into())
    );
    assert_eq!(porting["types"][0]["type"], "nothing");
    let table = lab.vthost(&["provider", "show", "lab", "--porting"]).stdout;
    assert!(table.ends_with("2 of 4 variants have a pack\n"), "{table}");
}

#[test]
fn what_is_not_ported_is_skipped_with_a_reason() {
    let lab = Lab::new();
    let printed = lab.vthost(&["run", "--provider", "tp-lab"]);
    assert_eq!(printed.code, 0, "{}{}", printed.stdout, printed.stderr);
    let told = |line: &str| printed.stdout.contains(line);
    assert!(
        told(
            "type_specific.tp-lab.warning: SKIP: no wasm test for type `warning` in the provider tp-lab"
        ) && told("tp-lab.nothing.a: PASS")
            && told("PASS 2 | ERROR 0 | FAIL 0 | SKIP 1"),
        "{}",
        printed.stdout
    );
    // A job that tests nothing is not a good job.
    assert_eq!(
        lab.vthost(&["run", "--provider", "tp-lab", "warning"]).code,
        4
    );
}

#[test]
fn a_pack_that_is_damaged_hides_no_other() {
    let lab = Lab::new();
    lab.write("tp-lab/generic/tests/broken.wasm", "nonsense");
    let printed = lab.vthost(&["list", "--provider", "tp-lab"]);
    assert_eq!(printed.code, 0);
    assert!(
        printed
            .stderr
            .contains("broken.wasm is not a WebAssembly component")
            && printed.stdout.contains("2 ready"),
        "{}{}",
        printed.stdout,
        printed.stderr
    );
}

#[test]
fn a_mistake_is_told_where_it_was_written() {
    let lab = Lab::new();
    lab.write(
        "tp-lab/qemu/tests/cfg/warning.cfg",
        "# a test\n- warning:\n    type = warning\n    only a....b\n",
    );
    let printed = lab.vthost(&["list", "--provider", "tp-lab"]);
    assert_eq!(printed.code, 2);
    assert!(
        printed
            .stderr
            .contains("tp-lab/qemu/tests/cfg/warning.cfg:4:15"),
        "{}",
        printed.stderr
    );
}

#[test]
fn the_spellings_of_the_reference_are_taken() {
    let lab = Lab::new();
    let names = |args: &[&str]| lab.kinds(&[&["--provider", "tp-lab"], args].concat()).len();
    assert_eq!(names(&["--vt-type", "qemu", "--vt-guest-os", "JeOS.12"]), 3);
    assert_eq!(names(&["--vt-type", "libvirt"]), 2);
    assert_eq!(names(&["--vt-only-filter", "nothing a"]), 1);
    assert_eq!(names(&["--vt-no-filter", "warning b"]), 1);
    assert_eq!(
        names(&["--vt-arch", "x86_64", "--vt-machine-type", "q35"]),
        3
    );
    assert_eq!(names(&["--vt-extra-params", "mem=512"]), 3);
    let unknown = lab.vthost(&["list", "--provider", "tp-lab", "--vt-type", "qmeu"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("did you mean `qemu`?"),
        "{}",
        unknown.stderr
    );
    let run = lab.vthost(&["run", "--provider", "tp-lab", "--vt-type", "libvirt"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("type qemu only"), "{}", run.stderr);
}

#[test]
fn a_file_can_stand_in_for_the_root() {
    let lab = Lab::new();
    lab.write(
        "my.cfg",
        "include tests-shared.cfg\nonly nothing.a\nonly JeOS.12\nonly qcow2, raw\nonly smp2\nonly virtio_net\nonly virtio_blk\n\
         only i440fx\nonly smallpages\nonly default_bios\nonly bridge\nonly no_9p_export\nonly no_virtio_rng\n\
         only no_pci_assignable\nonly (image_backend=filesystem)\n",
    );
    let listed = lab.list(&["--provider", "tp-lab", "--config-file", "my.cfg"]);
    assert_eq!(listed.len(), 2);
    // Variants of one's own take their tests from wherever they are.
    lab.write(
        "own.cfg",
        "vms =\nvariants:\n    - mine:\n        type = nothing\n    - other:\n        type = none\n",
    );
    assert_eq!(
        lab.kinds(&["--provider", "tp-lab", "--config-file", "own.cfg"]),
        named([("mine", TestKind::Ready), ("other", TestKind::NoTest)])
    );
    lab.write("units.cfg", "include unittests.cfg\n");
    assert_eq!(
        lab.kinds(&["--provider", "tp-lab", "--config-file", "units.cfg"]),
        named([("unittest", TestKind::NoTest)])
    );
    let missing = lab.vthost(&["list", "--provider", "tp-lab", "--config-file", "none.cfg"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("none.cfg"), "{}", missing.stderr);
}

#[test]
fn a_directory_without_tests_is_no_empty_list() {
    let lab = Lab::new();
    lab.write("nothing/readme", "");
    for args in [
        &["nothing"][..],
        &["tp-lab", "--vt-type", "v2v", "--no", "warning"],
    ] {
        fs::remove_dir_all(lab.path("tp-lab/generic")).ok();
        let printed = lab.vthost(&[&["list", "--provider"], args].concat());
        assert_eq!(printed.code, 4, "{}", printed.stderr);
        assert!(
            printed.stderr.contains("there are no tests of type"),
            "{}",
            printed.stderr
        );
    }
}

#[test]
fn files_of_the_operator_win() {
    let lab = Lab::new();
    lab.write("home/config/cfg/base.cfg", "mem = 7\nvms =\n");
    let printed = lab.vthost(&["list", "--provider", "tp-lab", "nothing.a", "--params"]);
    let base = lab.path("home/config/cfg/base.cfg");
    assert!(
        printed
            .stdout
            .contains(&format!("mem = 7    # {}:1", base.display())),
        "{}",
        printed.stdout
    );
}
