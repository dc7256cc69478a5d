//! Fuzzing the engine of the configuration language.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sh;

/// The fuzzers and their own workspace.
const DIR: &str = "host/cartesian/fuzz";

/// Each is a file in `fuzz_targets/`.
const TARGETS: [&str; 2] = ["parse", "expand"];

/// What the fuzzers are run with, if it is not installed.
const CARGO_FUZZ: &str = "0.13.2";

/// Cases of the language, each a directory; they are where the fuzzers begin.
const GOLDEN: &str = "host/cartesian/tests/golden";

/// Ends a part of an input, as `host/cartesian/fuzz/src/lib.rs` reads it.
const SEPARATOR: &str = "\u{1e}";

/// The most memory a fuzzer may take before that counts as a finding.
const MEMORY_MIB: u32 = 1024;

/// The most seconds one input may take before that counts as a finding. Giving up a search without end, which is no
/// finding, takes about ten on its own, and more in a fuzzer.
const PATIENCE: u32 = 60;

/// `cargo xtask fuzz`.
pub(crate) fn main(minutes: u64) -> Result<()> {
    let dir = sh::target_dir()?.join("fuzz");
    let path = ensure_tools(&dir)?;
    let seeds = dir.join("seeds");
    write_seeds(&seeds)?;
    let mut found = Vec::new();
    for target in TARGETS {
        // What earlier runs found worth keeping; a longer memory than one run's.
        let corpus = dir.join("corpus").join(target);
        fs::create_dir_all(&corpus)?;
        sh::say(
            "Fuzzing",
            format!("{target} for {minutes} min; what it finds goes to {DIR}/artifacts/{target}"),
        );
        let mut run = nightly(&path);
        run.env("CARGO_TARGET_DIR", &dir)
            // The engine has no unsafe code and no C in it: AddressSanitizer would find nothing and halve the speed.
            .args([
                "fuzz",
                "run",
                "--fuzz-dir",
                DIR,
                "--sanitizer",
                "none",
                target,
            ])
            .args([&corpus, &seeds])
            .arg("--")
            .arg(format!("-max_total_time={}", minutes * 60))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg(format!("-timeout={PATIENCE}"))
            .arg(format!("-dict={DIR}/cartesian.dict"))
            .arg("-print_final_stats=1");
        // A finding of the first one is no reason to keep from the second.
        if let Err(error) = sh::run(&mut run) {
            found.push(format!("{error:#}"));
        }
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}

/// Installs what is missing, and gives a search path with it.
fn ensure_tools(dir: &Path) -> Result<OsString> {
    if !sh::succeeds(Command::new("rustup").arg("--version")) {
        bail!("fuzzing needs a nightly toolchain, and there is no rustup here to install it with");
    }
    if !sh::succeeds(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])) {
        sh::say("Installing", "a nightly toolchain");
        sh::run(Command::new("rustup").args([
            "toolchain",
            "install",
            "nightly",
            "--profile",
            "minimal",
        ]))?;
    }
    let tools = dir.join("tools");
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(tools.join("bin")).chain(std::env::split_paths(&old)),
    )?;
    if !sh::succeeds(nightly(&path).args(["fuzz", "--version"])) {
        sh::say("Installing", format!("cargo-fuzz {CARGO_FUZZ}"));
        sh::run(
            sh::cargo()
                .args(["install", "--quiet", "--locked", "cargo-fuzz"])
                .args(["--version", CARGO_FUZZ, "--root"])
                .arg(&tools),
        )?;
    }
    Ok(path)
}

/// The cargo of the nightly toolchain, in the root of the project.
fn nightly(path: &OsString) -> Command {
    let mut command = sh::command("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .env("PATH", path)
        // Set by the cargo that runs this chore; cargo-fuzz would build with that one.
        .env_remove("CARGO");
    command
}

/// Makes an input of every golden case.
fn write_seeds(to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let cases = sh::root().join(GOLDEN);
    let mut count = 0;
    for case in fs::read_dir(&cases).with_context(|| format!("no {GOLDEN}"))? {
        let case = case?;
        fs::write(to.join(case.file_name()), seed(&case.path())?)?;
        count += 1;
    }
    sh::say(
        "Wrote",
        format!("{count} inputs to begin with, from {GOLDEN}"),
    );
    Ok(())
}

/// The main text, the files that it may include, and the options, each a part.
fn seed(case: &Path) -> Result<String> {
    let main = case.join("in.cfg");
    let mut parts = vec![fs::read_to_string(&main)?];
    let mut files = Vec::new();
    find_files(case, &mut files)?;
    for file in files.into_iter().filter(|file| *file != main) {
        let name = file.strip_prefix(case)?.to_string_lossy();
        parts.push(format!("{name}\n{}", fs::read_to_string(&file)?));
    }
    let options = fs::read_to_string(case.join("options.txt")).unwrap_or_default();
    for line in options.lines() {
        parts.push(match line.split_once(' ').unwrap_or((line, "")) {
            ("line", line) => format!("+{line}"),
            ("expand", name) => format!("={name}"),
            ("defaults", _) => "!".to_owned(),
            (other, _) => bail!("{}: unknown option {other}", case.display()),
        });
    }
    Ok(parts.join(SEPARATOR))
}

/// All sources of a case.
fn find_files(below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(below)? {
        let path = entry?.path();
        if path.is_dir() {
            find_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "cfg") {
            files.push(path);
        }
    }
    Ok(())
}
