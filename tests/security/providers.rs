//! What the configuration of a provider may not do, whatever path leads to it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;
use vthost_metadata::{ListEntry, TestKind};
use vthost_tests::{Printed, output, pack, vthost};

/// A provider whose test includes a file that wants a QEMU of its own.
fn provider(dir: &Path) {
    let cfg = dir.join("qemu/tests/cfg");
    fs::create_dir_all(&cfg).unwrap();
    fs::write(
        cfg.join("a.cfg"),
        "- a:\n    vms =\n    type = nothing\n    include evil.inc\n",
    )
    .unwrap();
    fs::write(cfg.join("evil.inc"), "qemu_binary = /tmp/evil\n").unwrap();
    fs::copy(pack("fixture-nothing"), dir.join("qemu/tests/nothing.wasm")).unwrap();
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        provider(&home.0.path().join("real/tp"));
        symlink("real", home.0.path().join("link")).unwrap();
        home
    }

    fn define(&self, name: &str, uri: &str) {
        let dir = self.0.path().join("home/config/test-providers.d");
        fs::create_dir_all(&dir).unwrap();
        let text = format!("[provider]\nuri: {uri}\n[qemu]\nsubdir: qemu/\n");
        fs::write(dir.join(format!("{name}.ini")), text).unwrap();
    }

    fn list(&self, home: &str, args: &[&str]) -> Printed {
        let mut command = vthost();
        command.current_dir(self.0.path()).env("VTHOST_HOME", home);
        output(command.args(["list", "--json"]).args(args))
    }
}

fn kinds(printed: &Printed) -> Vec<TestKind> {
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let entry = |line| serde_json::from_str::<ListEntry>(line).unwrap();
    printed
        .stdout
        .lines()
        .map(|line| entry(line).kind)
        .collect()
}

#[test]
fn an_include_is_the_providers_by_every_path() {
    for way in ["real/tp", "link/tp", "real/../real/tp"] {
        let home = Home::new();
        home.define("tp", &format!("file://{}/{way}", home.0.path().display()));
        // The home of vthost can be reached by more than one path as well.
        for place in ["home", "./home/../home"] {
            assert_eq!(
                kinds(&home.list(place, &[])),
                [TestKind::Denied],
                "{way} {place}"
            );
        }
        assert_eq!(
            kinds(&home.list("home", &["--provider", way])),
            [TestKind::Denied]
        );
    }
}

#[test]
fn an_include_of_the_operators_into_a_provider_is_the_providers() {
    let home = Home::new();
    fs::write(
        home.0.path().join("my.cfg"),
        "provider = tp\ninclude link/tp/qemu/tests/cfg/evil.inc\nvms =\ntype = nothing\n",
    )
    .unwrap();
    let printed = home.list(
        "home",
        &["--provider", "real/tp", "--config-file", "my.cfg"],
    );
    assert_eq!(kinds(&printed), [TestKind::Denied]);
}

#[test]
fn a_file_out_of_a_provider_is_none_of_its_and_hides_no_other() {
    let home = Home::new();
    home.define(
        "good",
        &format!("file://{}/real/tp", home.0.path().display()),
    );
    provider(&home.0.path().join("bad"));
    symlink("/etc", home.0.path().join("bad/qemu/tests/etc.cfg")).unwrap();
    home.define("bad", &format!("file://{}/bad", home.0.path().display()));
    let printed = home.list("home", &[]);
    assert_eq!(kinds(&printed), [TestKind::Denied]);
    assert!(
        printed.stderr.contains("warning:") && printed.stderr.contains("leads out of the provider"),
        "{}",
        printed.stderr
    );
    // A signature beside a pack is a file of the provider, too.
    fs::remove_file(home.0.path().join("bad/qemu/tests/etc.cfg")).unwrap();
    symlink(
        "/dev/stdin",
        home.0.path().join("bad/qemu/tests/nothing.wasm.sig"),
    )
    .unwrap();
    let printed = home.list("home", &["--provider", "bad"]);
    assert_eq!(printed.code, 2, "{}", printed.stderr);
}

#[test]
fn a_name_without_a_blank_is_the_providers_too() {
    let home = Home::new();
    fs::write(
        home.0.path().join("real/tp/qemu/tests/cfg/a.cfg"),
        "- a:\n    vms =\n    type = nothing\n-tp-qemu.boot:\n    vms =\n    type = nothing\n",
    )
    .unwrap();
    let printed = home.list("home", &["--provider", "real/tp", "boot"]);
    assert_eq!(kinds(&printed), [TestKind::Ready]);
    let entry: ListEntry = serde_json::from_str(printed.stdout.trim()).unwrap();
    assert_eq!(entry.name, "type_specific.tp.tp-qemu.boot");
}
