//! Making packs, and what their configuration can and cannot do.

use std::path::PathBuf;

use tempfile::TempDir;
use vthost_tests::{Printed, output, pack, vthost};

/// A pack with the code of tp-qemu and a configuration of its own.
struct Made {
    dir: TempDir,
    built: Printed,
}

impl Made {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cfg = dir.path().join("cfg");
        std::fs::create_dir(&cfg).unwrap();
        for (name, text) in files {
            std::fs::write(cfg.join(name), text).unwrap();
        }
        let built = output(
            vthost()
                .args(["pack", "build"])
                .arg(pack("tp-qemu"))
                .arg("--cfg")
                .arg(&cfg)
                .arg("-o")
                .arg(dir.path().join("made.wasm")),
        );
        Self { dir, built }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("made.wasm")
    }

    /// The names that `vthost list` shows.
    fn names(&self, args: &[&str]) -> Vec<String> {
        assert_eq!(self.built.code, 0, "{}", self.built.stderr);
        let printed = output(
            vthost()
                .args(["list", "--json", "--provider"])
                .arg(self.path())
                .args(args),
        );
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let name = |line: &str| {
            let entry: vthost_metadata::ListEntry = serde_json::from_str(line).unwrap();
            entry.name
        };
        printed.stdout.lines().map(name).collect()
    }
}

#[test]
fn a_mistake_in_the_configuration_is_pointed_at_when_the_pack_is_made() {
    let made = Made::new(&[("tests.cfg", "variants:\n    - boot:\n        only ..x\n")]);
    assert_eq!(made.built.code, 2);
    assert!(
        !made.path().exists(),
        "a pack that cannot be listed is none"
    );
    insta::assert_snapshot!(made.built.stderr);
}

#[test]
fn a_test_that_does_not_exist_is_a_mistake() {
    let made = Made::new(&[("tests.cfg", "variants:\n    - boot:\n        type = bot\n")]);
    assert_eq!(made.built.code, 2);
    let told = "no wasm test for type `bot` in the pack made; did you mean `boot`?";
    assert!(made.built.stderr.contains(told), "{}", made.built.stderr);
}

#[test]
fn files_are_branches_or_are_included() {
    let of = |name: &str| format!("variants:\n    - {name}:\n        type = {name}\n");
    let branches = Made::new(&[("a.cfg", &of("boot")), ("b.cfg", &of("uptime"))]);
    assert_eq!(branches.names(&[]), ["made.boot", "made.uptime"]);
    let included = Made::new(&[
        (
            "tests.cfg",
            "include common.cfg\nvariants:\n    - boot:\n        type = boot\n        only_here = ${common}\n",
        ),
        ("common.cfg", "common = yes\n"),
    ]);
    assert_eq!(included.names(&[]), ["made.boot"]);
    let outside = Made::new(&[("tests.cfg", "include ../base.cfg\n")]);
    assert!(
        outside
            .built
            .stderr
            .contains("the pack made has no file `../base.cfg`"),
        "{}",
        outside.built.stderr
    );
}

#[test]
fn a_pack_does_not_speak_for_another() {
    let made = Made::new(&[(
        "tests.cfg",
        "variants:\n    - boot:\n        type = boot\n        provider = tp-qemu\n",
    )]);
    assert_eq!(made.names(&[]), ["made.boot"]);
    let sly = Made::new(&[(
        "tests.cfg",
        "variants:\n    - boot:\n        type = boot\n        provider_fixed = tp-qemu\n",
    )]);
    assert_eq!(sly.built.code, 2);
    assert!(
        sly.built.stderr.contains("was set by a provider"),
        "{}",
        sly.built.stderr
    );
}

#[test]
fn variants_that_differ_in_hardware_have_names_that_do() {
    let made = Made::new(&[("tests.cfg", "variants:\n    - boot:\n        type = boot\n")]);
    let names = made.names(&["--machine-type", "i440fx,q35"]);
    assert!(
        names.len() == 2
            && names[0].ends_with("JeOS.12.x86_64.made.boot")
            && names[1].ends_with("made.boot.q35"),
        "{names:?}"
    );
}

#[test]
fn what_is_in_a_pack_can_be_seen() {
    let made = Made::new(&[("tests.cfg", "variants:\n    - boot:\n        type = boot\n")]);
    let printed = output(vthost().args(["pack", "inspect"]).arg(made.path()));
    assert_eq!(printed.code, 0);
    for part in [
        "made 0.0.0 (vthost:pack@0.1.0)",
        "vthost:vm/vm@0.1.0",
        "tests.cfg (",
        "tags: smoke",
    ] {
        assert!(printed.stdout.contains(part), "{part}: {}", printed.stdout);
    }
    let json = output(
        vthost()
            .args(["pack", "inspect", "--json"])
            .arg(made.path()),
    );
    let object: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(object["manifest"]["name"], "made");
}

#[test]
fn only_a_component_becomes_a_pack() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text");
    std::fs::write(&text, "hello").unwrap();
    let printed = output(
        vthost()
            .args(["pack", "build", "-o"])
            .arg(dir.path().join("x.wasm"))
            .arg(&text),
    );
    assert!(
        printed.code == 2 && printed.stderr.contains("is not a WebAssembly component"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_few_lines_cannot_fill_the_memory() {
    let block = format!(
        "variants:\n{}",
        (0..10)
            .map(|n| format!("    - l{n}:\n"))
            .collect::<String>()
    );
    let made = Made::new(&[("tests.cfg", &format!("type = boot\n{}", block.repeat(9)))]);
    assert_eq!(made.built.code, 2);
    assert!(
        made.built.stderr.contains("the filters select too much"),
        "{}",
        made.built.stderr
    );
}
