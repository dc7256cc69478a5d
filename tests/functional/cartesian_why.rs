//! `vthost cartesian why`.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use vthost_tests::{Printed, output, vthost};

const MEMORY: &str = "\
mem = 512
mem ~= 100
variants:
    - boot:
    - migrate:
        mem = 2048
        !boot: mem += 0
variants disk:
    - virtio:
    - ide:
        del mem
mem_max = 1000
";

fn why(args: &[&str]) -> Printed {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("t.cfg"), MEMORY).unwrap();
    let mut command = vthost();
    command
        .current_dir(dir.path())
        .args(["cfg", "why"])
        .args(args);
    output(&mut command)
}

#[test]
fn each_step_says_where_and_why() {
    let printed = why(&["t.cfg", "mem", "only migrate"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(printed.stdout);
}

#[test]
fn a_value_that_is_gone_has_a_history() {
    let printed = why(&["t.cfg", "mem", "only ide..boot"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(printed.stdout);
}

#[test]
fn json_has_every_step() {
    let printed = why(&["t.cfg", "mem", "only migrate..virtio", "--json"]);
    let object: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(object["variant"], "(disk=virtio).migrate");
    assert_eq!(object["value"], "1000");
    let steps = object["steps"].as_array().unwrap();
    let actions: Vec<&Value> = steps.iter().map(|step| &step["action"]).collect();
    assert_eq!(actions, ["set", "kept", "set", "set", "bounded"]);
    assert_eq!(
        steps[3],
        json!({
            "action": "set", "file": "t.cfg", "line": 7, "column": 16, "operator": "+=", "value": "20480",
            "within": [
                {"variant": "migrate", "file": "t.cfg", "line": 5},
                {"condition": "!boot", "file": "t.cfg", "line": 7},
            ],
        })
    );
}

#[test]
fn what_has_no_history_is_told() {
    for (args, code, message) in [
        (
            &["t.cfg", "memm"][..],
            4,
            "no variant sets `memm`; did you mean `mem`?",
        ),
        (
            &["t.cfg", "name"],
            2,
            "made of the variants that are chosen",
        ),
        (
            &["t.cfg", "mem", "only boot", "only migrate"],
            4,
            "no variant is left after this line",
        ),
        (&["t.cfg", "mem", "only bot"], 2, "did you mean `boot`?"),
        (&["t.cfg", ""], 2, "KEY"),
        (&["none.cfg", "mem"], 2, "there is no such file"),
    ] {
        let printed = why(args);
        assert_eq!(
            (printed.code, printed.stdout.as_str()),
            (code, ""),
            "{args:?}"
        );
        assert!(
            printed.stderr.contains(message),
            "{args:?}: {}",
            printed.stderr
        );
    }
}
