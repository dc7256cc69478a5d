//! All tests, real guests included.

use std::process::Command;

use anyhow::Result;

use crate::{demo, lint, sh};

/// `cargo xtask test`.
pub(crate) fn main(no_lint: bool, all: bool, args: &[String]) -> Result<()> {
    if !no_lint {
        lint::main()?;
    }
    let prepared = demo::prepare(false)?;
    let mut test = sh::cargo();
    if sh::succeeds(sh::cargo().args(["nextest", "--version"])) {
        sh::say("Testing", "with cargo nextest");
        test.args(["nextest", "run", "--no-fail-fast"]).args(args);
    } else {
        sh::say(
            "Testing",
            "with cargo test (cargo nextest is not installed)",
        );
        test.args(["test", "--no-fail-fast", "--bins", "--lib", "--tests"])
            .arg("--")
            .args(args);
    }
    // The end-to-end tests use the very binary and packs that were built here.
    let ours = |command: &mut Command| {
        command
            .env("VTHOST_TEST_BINARY", &prepared.vthost)
            .env("VTHOST_TEST_PACKS", &prepared.packs)
            .env("INSTA_UPDATE", "no");
    };
    ours(&mut test);
    sh::run(&mut test)?;
    if all {
        sh::say("Testing", "what takes long");
        let mut slow = sh::cargo();
        slow.args([
            "test",
            "--package",
            "vthost-tests",
            "--test",
            "guests",
            "--",
        ])
        .args(["--ignored", "--test-threads", "2"])
        .args(args);
        ours(&mut slow);
        sh::run(&mut slow)?;
    }
    sh::say("Testing", "the examples in the documentation");
    let mut doc = sh::cargo();
    doc.args([
        "test",
        "--doc",
        "--quiet",
        "--package",
        "vthost-cartesian",
        "--package",
        "vthost-sdk",
    ]);
    sh::run(&mut doc)
}
