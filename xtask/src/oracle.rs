//! The configuration language against its reference: the parser of Avocado-VT, installed from PyPI.
//!
//! The reference is free software under the GPL. It is installed and called; none of it is part of vthost.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::sh;

/// What is installed. Avocado-VT needs the last two and does not say so.
const PACKAGES: &[&str] = &[
    "avocado-framework-plugin-vt==113.0",
    "avocado-framework==113.0",
    "setuptools",
    "pillow",
];

/// The file that says which packages an environment was made with.
const STAMP: &str = "vthost-packages";

/// Shows whether the reference is there and whole.
const IMPORT: &str = "import virttest.cartesian_config";

/// What to compare
#[derive(Debug, Args)]
pub(crate) struct Oracle {
    /// How many random configurations to compare
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    configs: u64,
    /// What the random configurations grow from
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Leave out a construct; can be repeated (names: host/cartesian/tests/oracle/construct.rs)
    #[arg(long, value_name = "CONSTRUCT")]
    without: Vec<String>,
    /// Compare the constructs too that are known to be read otherwise
    #[arg(long)]
    all: bool,
    /// Stop after this many disagreements; each one is made small and written below target/oracle/found
    #[arg(long, default_value_t = 1, value_name = "N")]
    max_found: u64,
    /// Instead: write anew what the reference says of the sample and of the golden cases
    #[arg(long)]
    record: bool,
}

/// `cargo xtask oracle`.
pub(crate) fn main(oracle: &Oracle) -> Result<()> {
    let home = sh::target_dir()?.join("oracle");
    let python = ensure_reference(&home)?;
    let found = home.join("found");
    remove(&found)?;
    let test = if oracle.record {
        sh::say("Recording", "what the reference says");
        "record"
    } else {
        sh::say(
            "Comparing",
            format!("{} configurations, seed {}", oracle.configs, oracle.seed),
        );
        "random_configurations"
    };
    let mut cargo = sh::cargo();
    cargo
        .args(["test", "--quiet", "--package", "vthost-cartesian"])
        .args(["--test", "oracle", "--"])
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("VTHOST_ORACLE_PYTHON", python)
        .env("VTHOST_ORACLE_CONFIGS", oracle.configs.to_string())
        .env("VTHOST_ORACLE_SEED", oracle.seed.to_string())
        .env("VTHOST_ORACLE_WITHOUT", oracle.without.join(","))
        .env("VTHOST_ORACLE_ALL", if oracle.all { "1" } else { "" })
        .env("VTHOST_ORACLE_MAX_FOUND", oracle.max_found.to_string())
        .env("VTHOST_ORACLE_FOUND", &found)
        // A disagreement is no bug of the test: where it panics is of no interest.
        .env("RUST_BACKTRACE", "0");
    let result = sh::run(&mut cargo);
    if result.is_err() && found.exists() {
        bail!(
            "the engine and the reference disagree; the smallest cases are in {}\n\
             a case that stays goes to host/cartesian/tests/golden/<name>/",
            found.display()
        );
    }
    result
}

/// A Python that has the reference, installed if it is not there.
pub(crate) fn python() -> Result<PathBuf> {
    ensure_reference(&sh::target_dir()?.join("oracle"))
}

/// Makes sure that the reference is installed below `home`, and gives the Python that has it.
fn ensure_reference(home: &Path) -> Result<PathBuf> {
    let environment = home.join("venv");
    let python = environment.join("bin/python");
    let wanted = PACKAGES.join("\n");
    let made = fs::read_to_string(environment.join(STAMP)).unwrap_or_default();
    if made == wanted && works(&python) {
        sh::say("Fresh", "the reference parser");
        return Ok(python);
    }
    if !sh::succeeds(sh::command("python3").args(["-c", "import venv, ensurepip"])) {
        bail!(
            "the reference parser needs python3 with its module `venv`\n\
             next step: apt-get install python3 python3-venv, or the like of your system"
        );
    }
    // Made beside its place and moved there when it is complete: half an environment is never taken for a whole one.
    let new = home.join(format!("venv.new.{}", std::process::id()));
    remove(&new)?;
    fs::create_dir_all(home).with_context(|| format!("cannot write to {}", home.display()))?;
    let result = install(&new).and_then(|()| {
        fs::write(new.join(STAMP), wanted)?;
        remove(&environment)?;
        fs::rename(&new, &environment)
            .with_context(|| format!("cannot move the reference to {}", environment.display()))
    });
    remove(&new)?;
    result.map(|()| python)
}

fn install(environment: &Path) -> Result<()> {
    sh::say(
        "Installing",
        format!("{} from PyPI, for comparison only", PACKAGES.join(" ")),
    );
    sh::run(sh::command("python3").args(["-m", "venv"]).arg(environment))?;
    let python = environment.join("bin/python");
    sh::run(
        sh::command(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(PACKAGES),
    )
    .context("pip could not install the reference; next step: check the way to https://pypi.org, then again")?;
    // Not silently: what is missing stands in the message of Python.
    sh::run(sh::command(&python).args(["-c", IMPORT]))
        .context("the reference is installed, but cannot be imported")
}

/// Can this Python import the reference?
fn works(python: &Path) -> bool {
    sh::succeeds(sh::command(python).args(["-c", IMPORT]))
}

/// Removes a directory with all that is in it; that it is not there is fine.
fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_environment_does_not_work() {
        let home = tempfile::tempdir().unwrap();
        assert!(!works(&home.path().join("bin/python")));
        assert!(remove(&home.path().join("nothing")).is_ok());
    }
}
