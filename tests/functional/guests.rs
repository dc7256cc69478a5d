//! Which guests the configuration knows (guide, sections "Defining New Guests" and "Listing guests").

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use vthost_tests::{Printed, output, vthost};

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn vthost(&self, args: &[&str]) -> Printed {
        output(vthost().env("VTHOST_HOME", self.0.path()).args(args))
    }

    fn guests(&self, args: &[&str]) -> Vec<Value> {
        let printed = self.vthost(&[&["list-guests", "--json"], args].concat());
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let object = |line| serde_json::from_str(line).unwrap();
        printed.stdout.lines().map(object).collect()
    }
}

#[test]
fn what_is_missing_is_named() {
    let home = Home::new();
    home.write("data/images/jeos-12-x86_64.qcow2", "an image");
    // What is no file is no image.
    fs::create_dir(home.0.path().join("data/images/f43-x86_64.qcow2")).unwrap();
    let printed = home.vthost(&["list-guests", "--guest-os", "JeOS", "--arch", "x86_64"]);
    assert_eq!(
        printed.stdout,
        "Linux.JeOS.12.x86_64.i440fx\n\
         Linux.JeOS.27.x86_64.i440fx (missing jeos-27-x86_64.qcow2)\n\
         2 guests, 1 with an image\n"
    );
    let available = home.vthost(&["list-guests", "--available"]);
    assert_eq!(
        available.stdout,
        "Linux.JeOS.12.x86_64.i440fx\n1 guest, 1 with an image\n"
    );
}

#[test]
fn guests_are_told_to_programs() {
    let home = Home::new();
    let arguments = ["--guest-os", "JeOS.27.aarch64", "--machine-type", "all"];
    let guests = home.guests(&arguments);
    let machine = |guest: &Value| guest["machine_type"].as_str().unwrap().to_owned();
    let machines: Vec<_> = guests.iter().map(machine).collect();
    assert_eq!(machines, ["arm64-mmio", "arm64-pci"]);
    let guest = &guests[0];
    assert_eq!(guest["guest_os"], "Linux.JeOS.27.aarch64");
    assert_eq!(
        (&guest["arch"], &guest["os_type"]),
        (&"aarch64".into(), &"linux".into())
    );
    assert!(
        Path::new(guest["image"].as_str().unwrap()).ends_with("data/images/jeos-27-aarch64.qcow2")
    );
    assert_eq!(guest["missing"], true);
}

#[test]
fn a_guest_of_ones_own_needs_one_file() {
    let home = Home::new();
    home.write(
        "config/cfg/guest-os/Linux/LinuxCustom/foo.cfg",
        "- FooLinux:\n    image_name = images/foo-linux\n",
    );
    home.write(
        "config/cfg/guest-os/Windows/WindowsCustom/foo.cfg",
        "- FooWindows:\n    image_name = images/foo-windows\n    image_format = raw\n",
    );
    let linux = home.vthost(&["list-guests", "--guest-os", "LinuxCustom.FooLinux"]);
    assert!(
        linux
            .stdout
            .starts_with("Linux.LinuxCustom.FooLinux.i440fx (missing foo-linux.qcow2)\n"),
        "{}{}",
        linux.stdout,
        linux.stderr
    );
    let windows = &home.guests(&["--guest-os", "WindowsCustom.FooWindows"])[0];
    assert_eq!(windows["os_type"], "windows");
}

#[test]
fn a_file_of_ones_own_wins_over_the_shipped_one() {
    let home = Home::new();
    let jeos = ["--guest-os", "JeOS.12"];
    let image = |home: &Home| home.guests(&jeos)[0]["image"].as_str().unwrap().to_owned();
    assert!(image(&home).ends_with("images/jeos-12-x86_64.qcow2"));
    home.write(
        "config/cfg/guest-os/Linux/JeOS/12.x86_64.cfg",
        "vm_arch_name = x86_64\nimage_name = images/mine\n",
    );
    assert!(image(&home).ends_with("images/mine.qcow2"));
    // The others of the family are still the shipped ones.
    let other = &home.guests(&["--guest-os", "JeOS.27.x86_64"])[0];
    assert!(
        other["image"]
            .as_str()
            .unwrap()
            .ends_with("images/jeos-27-x86_64.qcow2")
    );
}

#[test]
fn a_mistake_in_a_drop_in_is_told() {
    let home = Home::new();
    home.write(
        "config/cfg/guest-os/Linux/LinuxCustom/foo.cfg",
        "- FooLinux:\n    only a....b\n",
    );
    let printed = home.vthost(&["list-guests"]);
    // Not the other guests either: what was meant is not known.
    assert_eq!((printed.code, printed.stdout.as_str()), (2, ""));
    assert!(
        printed
            .stderr
            .contains("guest-os/Linux/LinuxCustom/foo.cfg:2:"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_guest_that_there_is_not_is_an_error_with_the_nearest() {
    let home = Home::new();
    for (args, told) in [
        (&["--guest-os", "Fedroa"][..], "did you mean `Fedora`?"),
        (
            &[
                "--guest-os",
                "JeOS.27",
                "--machine-type",
                "s390-virtio",
                "--arch",
                "x86_64",
            ],
            "no guest passes",
        ),
        (&["--available"], "none of these guests has an image"),
    ] {
        let printed = home.vthost(&[&["list-guests"], args].concat());
        assert_eq!((printed.code, printed.stdout.as_str()), (4, ""), "{args:?}");
        assert!(
            printed.stderr.contains(told),
            "{args:?}: {}",
            printed.stderr
        );
    }
}

#[test]
fn architectures_have_their_machines() {
    let printed = Home::new().vthost(&["list-archs"]);
    let machines = |arch: &str| {
        let line = printed.stdout.lines().find(|line| line.starts_with(arch));
        let words = line.unwrap().split_whitespace().skip(1);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(machines("x86_64"), ["i440fx", "q35"]);
    assert_eq!(machines("aarch64"), ["arm64-mmio", "arm64-pci"]);
    assert_eq!(machines("s390x"), ["s390-virtio"]);
    // What is printed can be asked for.
    for arch in printed
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|arch| !arch.starts_with('('))
    {
        let guests = Home::new().guests(&["--arch", arch, "--machine-type", "all"]);
        assert!(!guests.is_empty(), "{arch}");
    }
    assert!(!Home::new().guests(&["--arch", "i686"]).is_empty());
}
