//! `vthost cartesian lint`.

use std::fs::File;
use std::process::Stdio;

use vthost_tests::{output, vthost};

use crate::cfg::Cfg;

/// One finding of each rule.
const SUSPICIOUS: &str = "\
mem = 512
mem = 1024
variants:
    - boot:
        type = boot
    - migrate: boot
        type = migration
        no boto
    - boot:
variants disk:
    - virtio:
    - ide:
        no migrate
        virtio:
            cache = none
boot..migrate:
    image = ${imag}.raw
del boot_index
";

/// Nothing to find.
const CLEAN: &str =
    "mem = 512\nvariants:\n    - small:\n    - large:\n        mem = 2048\nno small\n";

#[test]
fn findings_are_pointed_at() {
    let cfg = Cfg::new("lint", &[("t.cfg", SUSPICIOUS), ("clean.cfg", CLEAN)]);
    let printed = cfg.run(&["t.cfg"]);
    assert_eq!(
        (printed.code, printed.stderr.as_str()),
        (1, "7 warnings in 1 file\n")
    );
    insta::assert_snapshot!("lint", printed.stdout);
    let colored = cfg.run(&["t.cfg", "--color", "always", "--allow", "duplicate-variant"]);
    assert!(
        colored
            .stdout
            .starts_with("\x1b[33m\x1b[1mwarning:\x1b[0m this value of `mem`"),
        "{:?}",
        colored.stdout
    );
    let clean = cfg.run(&["clean.cfg"]);
    assert_eq!(
        (clean.code, clean.stdout + &clean.stderr),
        (0, String::new())
    );
    assert_eq!(output(vthost().args(["cfg", "lint", "/dev/null"])).code, 0);
}

#[test]
fn findings_for_programs() {
    let cfg = Cfg::new("lint", &[("t.cfg", SUSPICIOUS)]);
    let printed = cfg.run(&["t.cfg", "--json"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (1, ""));
    insta::assert_snapshot!("lint-json", printed.stdout);
    for line in printed.stdout.lines() {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let place = SUSPICIOUS
            .lines()
            .nth(finding["line"].as_u64().unwrap() as usize - 1);
        assert!(place.unwrap().len() >= finding["column"].as_u64().unwrap() as usize);
    }
}

#[test]
fn rules_can_be_left_out() {
    let cfg = Cfg::new("lint", &[("t.cfg", SUSPICIOUS)]);
    let rules: Vec<String> = cfg
        .run(&["t.cfg", "--json"])
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rules.len(), 7);
    for rule in &rules {
        let printed = cfg.run(&["t.cfg", "--allow", rule]);
        assert_eq!(printed.stderr, "6 warnings in 1 file\n");
        assert!(!printed.stdout.contains(rule), "{}", printed.stdout);
    }
    let all: Vec<&str> = rules.iter().flat_map(|rule| ["--allow", rule]).collect();
    let printed = cfg.run(&[&["t.cfg"], &all[..]].concat());
    assert_eq!(
        (printed.code, printed.stdout + &printed.stderr),
        (0, String::new())
    );
    let unknown = cfg.run(&["t.cfg", "--allow", "unknown"]);
    assert_eq!(unknown.code, 2);
    for rule in &rules {
        assert!(unknown.stderr.contains(rule), "{}", unknown.stderr);
    }
}

#[test]
fn files_are_looked_at_one_by_one() {
    let cfg = Cfg::new(
        "lint",
        &[
            (
                "a.cfg",
                "include shared.cfg\nvariants:\n    - a:\n    - a:\n",
            ),
            ("b.cfg", "include ./shared.cfg\nonly b\n"),
            ("shared.cfg", "k = 1\nk = 2\nonly none\n"),
            ("clean.cfg", CLEAN),
            ("wrong.cfg", "k = 1\nk = 2\nonly\n"),
        ],
    );
    let printed = cfg.run(&["b.cfg", "clean.cfg", "a.cfg", "b.cfg", "--json"]);
    let places: Vec<String> = printed
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|finding| format!("{}:{}", finding["file"].as_str().unwrap(), finding["line"]))
        .collect();
    // What two files include is told once.
    assert_eq!(
        places,
        ["b.cfg:2", "shared.cfg:1", "shared.cfg:3", "a.cfg:4"]
    );
    // A mistake in one does not hide what is in another.
    let printed = cfg.run(&["a.cfg", "wrong.cfg", "gone.cfg", "b.cfg"]);
    assert_eq!(printed.code, 2);
    assert_eq!(printed.stdout.matches("warning:").count(), 4);
    insta::assert_snapshot!("lint-mistakes", printed.stderr);
    assert_eq!(cfg.run(&["clean.cfg", "wrong.cfg"]).code, 2);
    assert_eq!(cfg.run(&[]).code, 2);
}

#[test]
fn standard_input_is_a_file_too() {
    let cfg = Cfg::new("lint", &[("shared.cfg", "only none\n")]);
    let printed = cfg.fed(&["-"], "k = 1\ninclude shared.cfg\nk = 2\n");
    assert_eq!(
        (printed.code, printed.stderr.as_str()),
        (1, "2 warnings in 2 files\n")
    );
    assert!(
        printed.stdout.contains(" --> <stdin>:1:1\n"),
        "{}",
        printed.stdout
    );
    assert!(
        printed.stdout.contains(" = included from <stdin>:2\n"),
        "{}",
        printed.stdout
    );
    assert_eq!(cfg.fed(&["-"], CLEAN).code, 0);
    let wrong = cfg.fed(&["-"], "k = 1\nonly\n");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains(" --> <stdin>:2:1\n"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn whoever_has_read_enough_may_go() {
    let many: String = (0..5_000).map(|at| format!("only none{at}\n")).collect();
    let cfg = Cfg::new("lint", &[("t.cfg", &many)]);
    for args in [&["t.cfg"][..], &["t.cfg", "--json"]] {
        let mut child = cfg
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody reads at all.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.is_empty() || told == "5000 warnings in 1 file\n",
            "{told}"
        );
    }
    let mut command = cfg.command(&["t.cfg"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let printed = output(command.stdout(full));
    assert_eq!(printed.code, 5);
    assert!(
        printed.stderr.contains("cannot write to standard output"),
        "{}",
        printed.stderr
    );
}

#[test]
fn nothing_in_a_file_acts_on_a_terminal() {
    let hostile = "k\x1b[2J = 1 \u{7f}\u{202e}\nk\x1b[2J = 2\n";
    let cfg = Cfg::new("lint", &[("t.cfg", hostile)]);
    for color in ["always", "never"] {
        let printed = cfg.run(&["t.cfg", "--color", color]);
        assert_eq!(printed.code, 1);
        for unsafe_text in ["\x1b[2J", "\u{7f}", "\u{202e}"] {
            assert!(
                !printed.stdout.contains(unsafe_text),
                "{:?}",
                printed.stdout
            );
        }
    }
}
