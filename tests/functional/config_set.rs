//! The files of the configuration set: `vthost config show FILE.cfg`, `show --files` and `dump`.

use std::fs;
use std::path::Path;

use vthost_tests::output;

use crate::home::Home;

/// The names of the variants of a dumped set that pass what a job chooses.
fn expanded(home: &Home, set: &Path, filter: &str) -> Vec<String> {
    let root = set.join("tests.cfg");
    let mut expand = home.command(&["cartesian", "expand", "--fullname"]);
    expand.arg(root).arg(format!("only {filter}"));
    expand.args([
        "only JeOS.12",
        "only i440fx",
        "only qcow2",
        "only virtio_net",
        "only virtio_blk",
        "only smp2",
    ]);
    let printed = output(&mut expand);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    printed.stdout.lines().map(str::to_owned).collect()
}

/// The names of the variants that a job has.
fn listed(home: &Home, args: &[&str]) -> Vec<String> {
    let printed = home.run(&[&["list", "-v"], args].concat());
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let names = printed.stdout.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("variant: ")?;
        Some(name.to_owned())
    });
    names.collect()
}

#[test]
fn a_dump_of_a_pack_expands_to_what_is_listed() {
    let home = Home::new();
    let dumped = home.run_pack("tp-qemu", &["config", "dump", "new/set"]);
    assert_eq!(dumped.code, 0, "{}", dumped.stderr);
    assert!(
        dumped.stderr.contains(" files to new/set"),
        "{}",
        dumped.stderr
    );
    let pack = vthost_tests::pack("tp-qemu");
    let names = listed(
        &home,
        &["boot,reboot", "--provider", pack.to_str().unwrap()],
    );
    assert_eq!(names.len(), 2);
    assert_eq!(
        expanded(&home, &home.path("work/new/set"), "boot,reboot"),
        names
    );
    let again = home.run_pack("tp-qemu", &["config", "dump", "new/set"]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("new/set is not empty"),
        "{}",
        again.stderr
    );
    let left: Vec<_> = fs::read_dir(home.path("work/new")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_dump_holds_what_lies_beside_the_files_of_a_provider_and_of_the_operator() {
    let home = Home::new();
    home.write(
        "tp/qemu/tests/x.cfg",
        "- x:\n    type = x\n    include more/variants.inc\n",
    );
    home.write(
        "tp/qemu/tests/more/variants.inc",
        "variants:\n    - one:\n    - two:\n        only i440fx\n",
    );
    let guest = "- Mine:\n    include mine.inc\n";
    let custom = "config/cfg/guest-os/Linux/LinuxCustom";
    home.write(&format!("{custom}/mine.cfg"), guest);
    home.write(&format!("{custom}/mine.inc"), "image_name = images/mine\n");
    let added = home.run(&["provider", "add", "../tp"]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    let dumped = home.run(&["config", "dump", "set"]);
    assert_eq!(dumped.code, 0, "{}", dumped.stderr);
    // What is left of the places that it was taken from says nothing any more.
    let names = listed(&home, &["x"]);
    assert_eq!(names.len(), 2, "{names:?}");
    for name in ["tp", custom] {
        fs::remove_dir_all(home.path(name)).unwrap();
    }
    assert_eq!(expanded(&home, &home.path("work/set"), "x"), names);
    let guests = fs::read_to_string(home.path("work/set/guest-os.cfg")).unwrap();
    assert!(guests.contains("image_name = images/mine"), "{guests}");
}

#[test]
fn files_are_listed_and_shown() {
    let home = Home::new();
    let show = |args: &[&str]| home.run(&[&["config", "show"], args].concat());
    let own = home.write("config/cfg/base.cfg", "mine = 1\n");
    let listed = show(&["--files"]).stdout;
    for (name, whose) in [
        ("base.cfg", format!("yours: {}", own.display())),
        ("machines.cfg", "shipped".to_owned()),
        ("subtests.cfg", "made".to_owned()),
    ] {
        let found = listed.lines().find(|line| line.starts_with(name));
        assert!(found.is_some_and(|line| line.ends_with(&whose)), "{listed}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&show(&["--files", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["name"], "base.cfg");
    assert_eq!(json[0]["from"], "yours");
    assert_eq!(show(&["base.cfg"]).stdout, "mine = 1\n");
    let made = home.run_pack("tp-qemu", &["config", "show", "subtests.cfg"]);
    assert!(made.stdout.contains("- boot:"), "{}", made.stdout);
    // There is a set without any provider, too.
    assert_eq!(show(&["subtests.cfg"]).code, 0);
    let wrong = show(&["machine.cfg"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("did you mean `machines.cfg`?"),
        "{}",
        wrong.stderr
    );
    assert_eq!(show(&["../vthost.toml.cfg"]).code, 2);
}
