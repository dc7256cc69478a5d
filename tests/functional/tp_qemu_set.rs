//! The shipped configuration, against what its page in the book says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;
use serde_json::Value;
use vthost_cartesian::Variant;
use vthost_tests::{output, vthost};

use crate::tp_qemu::Lab;

/// The page.
const PAGE: &str = include_str!("../../docs/src/config-set.md");

/// The keys in the item of a list that begins so.
fn documented(head: &str) -> BTreeSet<String> {
    let item = format!("\n- {head}: ");
    let (_, rest) = PAGE.split_once(&item).unwrap();
    let end = Regex::new(r"\n(- |\n)").unwrap().find(rest).unwrap();
    let keys = rest[..end.start()].split(',');
    keys.map(|key| key.trim().trim_matches('`').to_owned())
        .collect()
}

/// Keys and values of each variant by its name.
fn by_name(variants: &[Variant]) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    variants
        .iter()
        .map(|variant| (variant.name(), variant.iter().collect()))
        .collect()
}

#[test]
fn the_keys_that_differ_from_the_reference_are_those_on_the_page() {
    let Some(lab) = Lab::new() else {
        return;
    };
    // Names tell the host; the reference was run on another one.
    lab.take(|name| name == "host.cfg");
    let ours = lab.default_variants();
    lab.take(|name| name != "subtests.cfg");
    let theirs = lab.default_variants();
    let (ours, theirs) = (by_name(&ours), by_name(&theirs));
    assert!(ours.keys().eq(theirs.keys()));
    assert_eq!(ours.len(), 4_663);

    let [mut differ, mut added, mut absent] = [(); 3].map(|()| BTreeSet::new());
    for (ours, theirs) in ours.values().zip(theirs.values()) {
        for (key, value) in ours {
            match theirs.get(key) {
                None => added.insert((*key).to_owned()),
                Some(their) => their != value && differ.insert((*key).to_owned()),
            };
        }
        let missing = theirs.keys().filter(|key| !ours.contains_key(*key));
        absent.extend(missing.map(|key| (*key).to_owned()));
    }
    assert_eq!(differ, documented("another value"));
    assert_eq!(added, documented("only here"));
    assert_eq!(absent, documented("only in Avocado-VT"));
}

#[test]
fn lint_finds_in_the_set_what_the_page_says() {
    let Some(lab) = Lab::new() else {
        return;
    };
    // On a host that is called as in the finding there is none.
    lab.take(|name| name == "host.cfg");
    let files = lab.files();
    let dir = lab.dir.path().join("set");
    for name in files.names().unwrap() {
        let path = dir.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, files.source(&name).unwrap().text).unwrap();
    }
    let lint = |file: &str| {
        let mut command = vthost();
        command.args(["cartesian", "lint", "--json", file]);
        output(command.current_dir(&dir))
    };
    let printed = lint("tests.cfg");
    assert_eq!(printed.code, 1, "{}", printed.stderr);
    let findings = printed.stdout.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        (text("file"), text("message"))
    });
    // Those in the tests are theirs.
    let own: Vec<_> = findings
        .filter(|(file, _)| file != "subtests.cfg")
        .collect();
    let message = "no variant has a label `Host_RHEL`";
    assert_eq!(own, [("guest-hw.cfg".to_owned(), message.to_owned())]);
    assert!(PAGE.contains("no variant is called `Host_RHEL`"));
    // No part of the above.
    let build = lint("build.cfg");
    assert_eq!((build.code, build.stdout), (0, String::new()));
}
