//! Which variants are selected.

use vthost_metadata::ListEntry;
use vthost_tests::{Printed, output, pack, vthost};

fn list(args: &[&str]) -> Printed {
    output(
        vthost()
            .args(["list", "--provider"])
            .arg(pack("tp-qemu"))
            .args(args),
    )
}

fn entries(args: &[&str]) -> Vec<ListEntry> {
    let printed = list(&[args, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let entry = |line| serde_json::from_str(line).unwrap();
    printed.stdout.lines().map(entry).collect()
}

fn names(args: &[&str]) -> Vec<String> {
    entries(args).into_iter().map(|entry| entry.name).collect()
}

/// A text without what differs from host to host.
fn on_any_host(text: &str) -> String {
    let host = regex::Regex::new(r"HostCpuFamily\.\S*?Host_arch_\w+").unwrap();
    host.replace_all(text, "HOST").into_owned()
}

#[test]
fn a_list_for_people() {
    insta::assert_snapshot!(list(&["boot", "reboot", "second_disk"]).stdout);
    insta::assert_snapshot!("verbose", on_any_host(&list(&["boot", "-v"]).stdout));
}

#[test]
fn a_list_for_programs() {
    let printed = list(&["uptime", "--json"]);
    insta::assert_snapshot!(on_any_host(&printed.stdout));
}

#[test]
fn references_are_joined_in_their_order() {
    assert_eq!(
        names(&["uptime", "boot"]),
        ["tp-qemu.uptime", "tp-qemu.boot"]
    );
    assert_eq!(names(&["reboot,boot"]), ["tp-qemu.boot", "tp-qemu.reboot"]);
    assert_eq!(names(&["boot", "boot"]), ["tp-qemu.boot", "tp-qemu.boot"]);
}

#[test]
fn only_and_no_add_filters() {
    assert_eq!(
        names(&["--only", "boot,uptime", "--no", "boot"]),
        ["tp-qemu.uptime"]
    );
    // Who asks for a test and gets none of it is told.
    let printed = list(&["uptime", "boot", "--only", "uptime,reboot"]);
    assert_eq!(printed.code, 4);
    assert!(
        printed.stderr.contains("no variant passes `only boot`"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_filter_overrides_the_default_of_its_choice() {
    let default = &entries(&["boot"])[0].variant;
    assert!(default.contains("qcow2") && default.contains("smp2") && default.ends_with("i440fx"));
    let other = &entries(&["boot", "--only", "up", "--machine-type", "q35"])[0].variant;
    assert!(
        !other.contains("smp2") && other.contains(".up.") && other.ends_with("q35"),
        "{other}"
    );
    // In a reference, too.
    assert!(entries(&["boot..q35"])[0].variant.ends_with("q35"));
}

#[test]
fn assignments_win_over_the_configuration() {
    let printed = list(&[
        "boot",
        "--params",
        "--extra-params",
        "mem=2048",
        "--extra-params",
        "note=a=b c",
    ]);
    let lines: Vec<_> = printed.stdout.lines().map(str::trim).collect();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("mem = 2048    # command line")),
        "{}",
        printed.stdout
    );
    assert!(lines.iter().any(|line| line.starts_with("note = a=b c ")));
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("type = boot    # tp-qemu:generic/tests.cfg:"))
    );
}

#[test]
fn a_mistake_is_told_with_what_to_do() {
    let cases: &[(&[&str], i32)] = &[
        (&["boto"], 4),
        (&[""], 2),
        (&["boot", "--no", "uptme"], 4),
        (&["boot...x"], 2),
        (&["boot", "--extra-params", "mem"], 2),
        (&["boot", "--guest-os", "Widnows"], 4),
        (&["boot", "--grant", "everything"], 2),
        (&["boot", "--only", "uptime"], 4),
    ];
    let mut told = String::new();
    for (args, code) in cases {
        let printed = list(args);
        assert_eq!(printed.code, *code, "{args:?}: {}", printed.stderr);
        told += &format!("$ vthost list {}\n{}\n", args.join(" "), printed.stderr);
    }
    insta::assert_snapshot!(told);
}
