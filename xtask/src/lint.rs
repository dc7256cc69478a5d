//! Formatting, clippy with warnings as errors, and the floors of the house.

use anyhow::Result;

use crate::{floors, sh};

/// `cargo xtask lint`.
pub(crate) fn main() -> Result<()> {
    sh::say("Checking", "formatting");
    sh::run(sh::cargo().args(["fmt", "--all", "--check"]))?;
    sh::say("Checking", "the floors of the house");
    floors::check_house()?;
    sh::say("Checking", "clippy");
    sh::run(sh::cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}
