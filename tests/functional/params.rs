//! `vthost params`: the keys that vthost knows.

use std::collections::BTreeSet;

use serde_json::Value;
use vthost_tests::{Printed, output, vthost};

use crate::cfg::Cfg;

fn params(args: &[&str]) -> Printed {
    output(vthost().arg("params").args(args))
}

fn objects(args: &[&str]) -> Vec<Value> {
    let printed = params(&[args, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let object = |line| serde_json::from_str(line).unwrap();
    printed.stdout.lines().map(object).collect()
}

fn names(args: &[&str]) -> BTreeSet<String> {
    let objects = objects(args);
    let name = |object: &Value| object["key"].as_str().unwrap().to_owned();
    objects.iter().map(name).collect()
}

#[test]
fn a_key_is_explained() {
    let asked = ["qemu_binary", "kill_vm_vm1_on_error", "nic_mode"];
    let told: Vec<String> = asked.iter().map(|key| params(&[key]).stdout).collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// The places are those of the shipped files, and of nothing that only begins like the key.
#[test]
fn a_key_is_shown_where_it_is_set() {
    let found = objects(&["mem"]).remove(0);
    let set = found["set"].as_array().unwrap();
    assert!(!set.is_empty());
    let cfg = concat!(env!("CARGO_MANIFEST_DIR"), "/../cfg");
    for place in set {
        let file = format!("{cfg}/{}", place["file"].as_str().unwrap());
        let text = std::fs::read_to_string(file).unwrap();
        let line = place["line"].as_u64().unwrap() as usize - 1;
        let shown = place["text"].as_str().unwrap();
        assert_eq!(text.lines().nth(line).unwrap().trim(), shown);
        assert!(
            shown.starts_with("mem =") || shown.starts_with("mem_vm"),
            "{shown}"
        );
    }
}

#[test]
fn keys_are_searched() {
    let all = names(&[]);
    assert!(all.len() > 400, "{}", all.len());
    assert!(names(&["timeout"]).contains("login_timeout"));
    // In what is said of a key, too.
    assert!(names(&["--grep", "IOMMU"]).contains("virtio_iommu"));
    let both = names(&[
        "--grep",
        "image",
        "--phase",
        "postprocess",
        "--object",
        "image",
    ]);
    assert!(
        both.contains("check_image") && !both.contains("image_name"),
        "{both:?}"
    );
    assert!(both.is_subset(&all));
    assert_eq!(names(&["mem_vm1"]), BTreeSet::from(["mem".to_owned()]));
    let listed = params(&["monitor"]).stdout;
    assert!(listed.contains("\n  main_monitor "), "{listed}");
}

#[test]
fn what_is_no_key_is_told_with_those_that_look_like_it() {
    let wrong = params(&["image_nmae"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .stderr
            .contains("no key has `image_nmae` in it; did you mean `image_name`"),
        "{}",
        wrong.stderr
    );
    assert!(params(&["timeot"]).stderr.contains("`timeout`"));
    assert!(
        params(&["zzz"])
            .stderr
            .contains("packs read keys of their own")
    );
    assert_eq!(params(&["--grep", "zzz"]).code, 2);
    assert_eq!(params(&["--phase", "later"]).code, 2);
    assert_eq!(params(&[""]).code, 2);
}

#[test]
fn shells_know_the_keys() {
    for shell in ["bash", "zsh"] {
        let script = output(vthost().args(["completions", shell])).stdout;
        assert!(script.contains("guest_port_file_tranfer"), "{shell}");
    }
}

#[test]
fn lint_tells_of_a_mistyped_key() {
    let text = "images = image1 stg\nimage_nmae_stg = x\nimage_chain2 = y\nmy_own_key = z\n";
    let cfg = Cfg::new("lint", &[("t.cfg", text)]);
    let printed = cfg.run(&["t.cfg"]);
    assert_eq!(printed.code, 1);
    insta::assert_snapshot!(printed.stdout);
}
