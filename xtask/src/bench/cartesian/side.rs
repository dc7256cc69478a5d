//! The two sides, each a process of its own for every run, and what they are given.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Deserialize;

use crate::{oracle, sh};

/// The archive with the configuration of tp-qemu, beside the repository.
const CORPUS: &str = "../shared/corpus/tp-qemu-cfg.tar.xz";

/// What is expanded: `tests.cfg` of tp-qemu and these lines after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    /// Lines, as on the command line of the reference.
    pub(crate) lines: &'static [&'static str],
    /// How many variants are taken; 0 for all.
    pub(crate) limit: usize,
    /// Only the default variant of each block that has one.
    pub(crate) defaults: bool,
}

/// What one run gave; times in seconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Run {
    /// Reading and parsing the files.
    parse: f64,
    /// All after that.
    pub(crate) expand: f64,
    /// How many there were.
    pub(crate) variants: usize,
    /// How many keys they had together.
    pub(crate) keys: usize,
    /// Of what was looked at.
    sum: u64,
    /// The most memory the process held; only of our side.
    #[serde(default)]
    pub(crate) peak_kib: u64,
    /// The versions of Python and of Avocado-VT; only of the reference.
    #[serde(default)]
    python: String,
    #[serde(default)]
    avocado_vt: String,
}

impl Run {
    /// From the first file to the last variant.
    pub(crate) fn whole(&self) -> f64 {
        self.parse + self.expand
    }

    /// Whether both saw the same variants and looked at the same text.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.variants, self.keys, self.sum) == (other.variants, other.keys, other.sum)
    }

    /// What the reference ran on.
    pub(crate) fn versions(&self) -> String {
        format!("Avocado-VT {} on Python {}", self.avocado_vt, self.python)
    }
}

/// What is needed to run either side.
pub(crate) struct Sides {
    ours: PathBuf,
    python: PathBuf,
    script: PathBuf,
    root: PathBuf,
}

impl Sides {
    /// Builds our side, looks for the reference, and unpacks the configuration below `dir`.
    pub(crate) fn prepare(dir: &Path) -> Result<Self> {
        let archive = sh::root().join(CORPUS);
        if !archive.exists() {
            bail!(
                "there is nothing to measure on: {CORPUS}, seen from the repository, is missing (the .cfg files of \
                 tp-qemu below tp-qemu/, packed with tar and xz)"
            );
        }
        let python = oracle::python()?;
        sh::say("Building", "the engine as it is given to others");
        sh::run(
            sh::cargo()
                .args(["build", "--profile", "dist", "--quiet"])
                .args(["--package", "vthost-cartesian", "--example", "measure"]),
        )?;
        pin()?;
        let plain = lzma_rust2::XzReader::new(std::fs::File::open(&archive)?, false);
        tar::Archive::new(plain)
            .unpack(dir)
            .with_context(|| format!("cannot unpack {}", archive.display()))?;
        Ok(Self {
            ours: sh::target_dir()?.join("dist/examples/measure"),
            python,
            script: sh::root().join("xtask/src/bench/cartesian/reference.py"),
            root: dir.join("tp-qemu/tests.cfg"),
        })
    }

    /// Runs our side.
    pub(crate) fn ours(&self, mode: &str, input: &Input) -> Result<Run> {
        self.run(&mut Command::new(&self.ours), mode, input)
    }

    /// Runs the reference.
    pub(crate) fn theirs(&self, mode: &str, input: &Input) -> Result<Run> {
        self.run(Command::new(&self.python).arg(&self.script), mode, input)
    }

    fn run(&self, command: &mut Command, mode: &str, input: &Input) -> Result<Run> {
        command
            .args([mode, &input.limit.to_string()])
            .arg(if input.defaults { "1" } else { "0" })
            .arg(&self.root)
            .args(input.lines);
        let output = command
            .output()
            .with_context(|| format!("cannot run {command:?}"))?;
        ensure!(
            output.status.success(),
            "{command:?} failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{command:?} printed no measurement"))
    }
}

/// Keeps this process, and all it starts from now on, on one processor. On a shared machine one of them may be half as
/// fast as the other for seconds, and a side that happens to get the better one is not the faster side.
pub(crate) fn pin() -> Result<()> {
    let allowed = sched_getaffinity(None).context("cannot ask for the processors")?;
    let first = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu));
    let mut only = CpuSet::new();
    only.set(first.unwrap_or(0));
    sched_setaffinity(None, &only).context("cannot keep to one processor")
}
