//! What the end-to-end tests share: running the real `vthost` on real packs, and reading what it left.
//!
//! `cargo xtask test` builds binary and packs and bootstraps the guest image before the tests run.

pub mod server;
pub mod tp_qemu;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use vthost_metadata::{Event, EventKind, Status, TestFinished};

/// How much of the end of each log a failed assertion shows, in bytes.
const TOLD: usize = 2048;

/// The binary to test.
pub fn binary() -> PathBuf {
    std::env::var_os("VTHOST_TEST_BINARY")
        .map_or_else(|| target().join("debug/vthost"), PathBuf::from)
}

/// The pack of that name.
///
/// # Panics
/// If it was not built: `cargo xtask packs` does that.
pub fn pack(name: &str) -> PathBuf {
    let packs =
        std::env::var_os("VTHOST_TEST_PACKS").map_or_else(|| target().join("packs"), PathBuf::from);
    let pack = packs.join(format!("{name}.wasm"));
    assert!(
        pack.exists(),
        "{} is missing; run `cargo xtask packs`",
        pack.display()
    );
    pack
}

/// The target directory: test binaries lie two levels below it.
fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors()
        .nth(3)
        .unwrap_or(Path::new("target"))
        .to_owned()
}

/// A `vthost` command without colours and without any setting of the caller's that changes what it prints.
pub fn vthost() -> Command {
    let mut command = Command::new(binary());
    for name in ["CLICOLOR_FORCE", "VTHOST_LOG", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// What a finished command printed.
#[derive(Debug)]
pub struct Printed {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be run or is killed.
pub fn output(command: &mut Command) -> Printed {
    let output = command.output().expect("vthost can be run");
    Printed {
        code: output.status.code().expect("vthost is not killed"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A job that ran to its end.
#[derive(Debug)]
pub struct Job {
    /// The exit code of vthost.
    pub code: i32,
    /// Everything that happened.
    pub events: Vec<Event>,
    /// What it printed to standard error.
    pub stderr: String,
    results: TempDir,
}

impl Job {
    /// The directory of the job.
    pub fn dir(&self) -> PathBuf {
        self.results.path().join("latest")
    }

    /// A file in the directory of the job, as text.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn file(&self, path: &str) -> String {
        let path = self.dir().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// How the tests ended, in order.
    pub fn ends(&self) -> Vec<&TestFinished> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::TestFinished(end) => Some(end),
                _ => None,
            })
            .collect()
    }

    /// The statuses of the tests, in order.
    pub fn statuses(&self) -> Vec<Status> {
        self.ends().iter().map(|end| end.status).collect()
    }

    /// The reasons of the tests, in order; empty for PASS.
    pub fn reasons(&self) -> Vec<&str> {
        self.ends()
            .iter()
            .map(|end| end.reason.as_deref().unwrap_or_default())
            .collect()
    }

    /// Asserts how the tests ended, in order; a failure tells why each ended so and what its machine said last.
    ///
    /// # Panics
    /// If they ended otherwise.
    #[track_caller]
    pub fn assert_statuses(&self, expected: &[Status]) {
        assert_eq!(self.statuses(), expected, "{}", self.told());
    }

    /// All that helps to understand an end that nobody expected.
    fn told(&self) -> String {
        let mut told = String::from("\n");
        for (end, reason) in self.ends().iter().zip(self.reasons()) {
            told += &format!("{}: {:?} {reason}\n", end.name, end.status);
        }
        told += &format!("--- log\n{}--- stderr\n{}", self.log(), self.stderr);
        let tests = std::fs::read_dir(self.dir().join("test-results"));
        for file in tests
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|test| std::fs::read_dir(test.path()).ok())
            .flatten()
            .flatten()
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        {
            let bytes = std::fs::read(&file).unwrap_or_default();
            let last = &bytes[bytes.len().saturating_sub(TOLD)..];
            told += &format!(
                "--- the end of {}\n{}\n",
                file.display(),
                String::from_utf8_lossy(last)
            );
        }
        told
    }

    /// Everything that was logged, a line each.
    pub fn log(&self) -> String {
        self.events
            .iter()
            .filter_map(logged)
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// The processes of the machines that the job started.
    pub fn pids(&self) -> Vec<u32> {
        self.events
            .iter()
            .filter_map(logged)
            .filter_map(pid)
            .collect()
    }

    /// Asserts that machines were started, `count` of them, and that nothing of them is left.
    ///
    /// # Panics
    /// If that is not so.
    pub fn assert_clean(&self, count: usize) {
        let pids = self.pids();
        assert_eq!(pids.len(), count, "machines started; {}", self.log());
        self.assert_nothing_left();
    }

    /// Asserts that nothing is left of the machines that the job started.
    ///
    /// # Panics
    /// If that is not so.
    pub fn assert_nothing_left(&self) {
        for pid in self.pids() {
            assert!(!is_qemu(pid), "qemu {pid} is left");
        }
    }
}

/// Whether a process is there and is QEMU: numbers of processes come again.
pub fn is_qemu(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .is_ok_and(|name| name.starts_with("qemu-system"))
}

/// The text of an event that is a log line.
pub fn logged(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::TestLog(log) => Some(&log.message),
        _ => None,
    }
}

/// The process that a log line tells of.
pub fn pid(line: &str) -> Option<u32> {
    let (_, rest) = line.strip_prefix("started ")?.split_once("pid ")?;
    rest.split(',').next()?.parse().ok()
}

/// A job that runs.
pub struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    events: Vec<Event>,
    results: TempDir,
}

impl Running {
    /// Starts `vthost run --json` on these packs.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn start(packs: &[&str], args: &[&str]) -> Self {
        let results = tempfile::tempdir().expect("a directory for results");
        let mut command = vthost();
        command
            .args(["run", "--json", "--results"])
            .arg(results.path());
        for name in packs {
            command.arg("--provider").arg(pack(name));
        }
        // To a file: nobody reads it before the end, and a pipe would fill up.
        let stderr = File::create(results.path().join("stderr")).expect("a file for errors");
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("vthost can be run");
        let stdout = child.stdout.take().expect("the output is piped");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
            events: Vec::new(),
            results,
        }
    }

    /// The process of vthost.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next event; none at the end.
    ///
    /// # Panics
    /// If a line is not an event.
    pub fn next_event(&mut self) -> Option<&Event> {
        let line = self.lines.next()?.expect("the output can be read");
        let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.events.push(event);
        self.events.last()
    }

    /// Reads on until an event is what is looked for, and gives what was found.
    ///
    /// # Panics
    /// If it never comes.
    pub fn wait_for<T>(&mut self, find: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let event = self
                .next_event()
                .expect("what is waited for comes before the end");
            if let Some(found) = find(event) {
                return found;
            }
        }
    }

    /// Kills it, so that it can do nothing more.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("vthost can be killed");
        self.child.wait().expect("vthost ends");
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If vthost is killed.
    pub fn finish(mut self) -> Job {
        while self.next_event().is_some() {}
        let status = self.child.wait().expect("vthost ends");
        let stderr = std::fs::read(self.results.path().join("stderr")).expect("a file of errors");
        Job {
            code: status.code().expect("vthost is not killed"),
            events: self.events,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            results: self.results,
        }
    }
}

/// Runs a job to its end.
pub fn run(packs: &[&str], args: &[&str]) -> Job {
    Running::start(packs, args).finish()
}
