//! All tests, real guests included.

use anyhow::Result;

use crate::{demo, lint, sh};

/// `cargo xtask test`.
pub(crate) fn main(no_lint: bool, args: &[String]) -> Result<()> {
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
    test.env("VTHOST_TEST_BINARY", &prepared.vthost)
        .env("VTHOST_TEST_PACKS", &prepared.packs)
        .env("INSTA_UPDATE", "no");
    sh::run(&mut test)?;
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
