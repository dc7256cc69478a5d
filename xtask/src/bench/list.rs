//! `vthost list` beside `avocado list`, on the tests of tp-qemu.
//!
//! Both are whole commands, each a new process: what somebody waits for. Files are in the cache of the system.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use vthost_tests::tp_qemu;

use super::cartesian::pin;
use super::series::Series;
use crate::{oracle, packs, sh};

/// How many tests the reference lists.
const LISTED: usize = 4_663;
/// How much faster vthost is to be.
const ASKED: f64 = 150.0;
/// The guest of the corpus.
const GUEST: &str = "JeOS.27.x86_64";

/// `cargo xtask bench list`.
pub(crate) fn main(rounds: usize) -> Result<()> {
    if tp_qemu::corpus().is_none() {
        bail!(
            "there is nothing to measure on: ../shared/corpus, seen from the repository, is missing"
        );
    }
    let python = oracle::python()?;
    let vthost = packs::build_host(true)?;
    let dir = tempfile::tempdir()?;
    tp_qemu::unpack("tp-qemu-cfg.tar.xz", dir.path())?;
    let repository = dir.path().join(tp_qemu::NAME);
    let subtests = fs::read_to_string(dir.path().join("tp-qemu/subtests.cfg"))?;
    tp_qemu::lay_out(&subtests, &repository)?;
    commit(&repository)?;
    let home = dir.path().join("home");
    sh::run(
        sh::command(&vthost)
            .args([
                "provider",
                "add",
                "--branch",
                "main",
                "--name",
                tp_qemu::NAME,
            ])
            .arg(format!("file://{}", repository.display()))
            .env("VTHOST_HOME", &home),
    )?;
    let mut ours = Side(Command::new(&vthost));
    ours.0
        .args(["list", "--guest-os", GUEST])
        .env("VTHOST_HOME", &home);
    let mut theirs = Side(reference(&python, dir.path(), &repository)?);
    pin()?;
    let (mine, other) = (ours.names()?, theirs.names()?);
    ensure!(
        mine.len() == LISTED && mine == other,
        "the lists differ: {} and {} tests",
        mine.len(),
        other.len()
    );
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for round in 1..=rounds.max(1) {
        sh::say("Measuring", format!("round {round} of {rounds}"));
        slow.push(theirs.time()?);
        // A few for each, and the middle of them: one takes less than the clock of a busy machine is good for.
        fast.extend((0..5).map(|_| ours.time()).collect::<Result<Vec<_>>>()?);
    }
    let (fast, slow) = (Series::new(fast), Series::new(slow));
    println!("{LISTED} tests, the same names in the same order, one processor, warm file cache");
    println!("avocado list --vt-type qemu: {slow}");
    println!("vthost list:                 {fast}");
    println!(
        "ratio of the medians: {:.0} (asked: {ASKED:.0})",
        slow.median() / fast.median()
    );
    Ok(())
}

/// A command that lists.
struct Side(Command);

impl Side {
    /// The names of the tests: the first word that has the provider in it.
    fn names(&mut self) -> Result<Vec<String>> {
        let output = self.0.output().context("a list cannot be made")?;
        ensure!(
            output.status.success(),
            "{:?} failed:\n{}",
            self.0,
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout)?;
        let name = |line: &str| {
            // What is said about a test stands below it.
            let line = Some(line).filter(|line| !line.starts_with(' '))?;
            let mut words = line.split_whitespace();
            words
                .find(|word| word.contains(tp_qemu::NAME))
                .map(str::to_owned)
        };
        Ok(text.lines().filter_map(name).collect())
    }

    fn time(&mut self) -> Result<f64> {
        let begun = Instant::now();
        let output = self.0.output().context("a list cannot be made")?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(output.status.success(), "{:?} failed", self.0);
        Ok(took)
    }
}

/// `avocado list`, in a home that its own bootstrap would leave with this configuration.
fn reference(python: &Path, dir: &Path, repository: &Path) -> Result<Command> {
    let home = dir.join("avocado-home");
    let data = home.join("data/avocado-vt");
    let cfg = data.join("backends/qemu/cfg");
    let providers = data.join("virttest/test-providers.d");
    let download = providers.join("downloads").join(tp_qemu::NAME);
    let settings = home.join(".config/avocado");
    for dir in [
        &cfg,
        &settings,
        &home.join("tests"),
        &providers.join("downloads"),
    ] {
        fs::create_dir_all(dir)?;
    }
    for entry in fs::read_dir(dir.join("tp-qemu"))? {
        let path = entry?.path();
        fs::copy(&path, cfg.join(path.file_name().unwrap_or_default()))?;
    }
    std::os::unix::fs::symlink(repository, download)?;
    let definition = "[provider]\nuri: https://github.com/autotest/tp-qemu.git\n[generic]\nsubdir: generic/\n[qemu]\nsubdir: qemu/\n";
    fs::write(providers.join(format!("{}.ini", tp_qemu::NAME)), definition)?;
    let text = format!(
        "[datadir.paths]\nbase_dir = {0}\ndata_dir = {0}/data\nlogs_dir = {0}/job-results\ntest_dir = {0}/tests\n",
        home.display()
    );
    fs::write(settings.join("avocado.conf"), text)?;
    let mut command = Command::new(python);
    command
        .args(["-m", "avocado", "list", "--vt-type", "qemu"])
        .env("HOME", &home);
    Ok(command)
}

fn commit(repository: &Path) -> Result<()> {
    let git = |args: &[&str]| {
        let mut command = sh::command("git");
        command.arg("-C").arg(repository);
        command.args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
        sh::run(command.args(args))
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message=tests"])
}
