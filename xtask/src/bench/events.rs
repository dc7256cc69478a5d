//! Running vthost and reading its events.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// What one run of vthost showed.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// From the start of the process to its end.
    pub(crate) whole: Duration,
    /// From the start of the process to a QEMU whose monitor answers.
    pub(crate) to_qemu: Option<Duration>,
    /// From the start of the process to the first line that the test logs.
    pub(crate) to_command: Option<Duration>,
    /// Tests that passed.
    pub(crate) passed: usize,
    /// The memory of the process in KiB when a tenth of the tests had ended, and when all had.
    pub(crate) memory_kib: (u64, u64),
}

/// Runs `vthost run --json` with these arguments.
pub(crate) fn run(vthost: &Path, results: &Path, args: &[&str]) -> Result<Run> {
    let begun = Instant::now();
    let mut child = Command::new(vthost)
        .args(["run", "--json", "--results"])
        .arg(results)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run vthost")?;
    let mut run = Run::default();
    let mut total = 0;
    let stdout = child
        .stdout
        .take()
        .context("the output of vthost is piped")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let event: Value = serde_json::from_str(&line)?;
        match event["event"].as_str() {
            Some("test-log") => {
                let message = event["message"].as_str().unwrap_or_default();
                let source = event["source"].as_str();
                if source == Some("host") && message.starts_with("started ") {
                    run.to_qemu.get_or_insert(begun.elapsed());
                } else if source == Some("test") {
                    run.to_command.get_or_insert(begun.elapsed());
                }
            }
            Some("job-started") => total = event["tests"].as_u64().unwrap_or(0),
            Some("test-finished") if event["status"] == "PASS" => {
                run.passed += 1;
                if run.passed as u64 * 10 == total {
                    run.memory_kib.0 = memory(child.id())?;
                }
                // Not at the end of the job: then the process may be gone already, and so it may after the one test of a
                // short job.
                if total > 1 && run.passed as u64 == total {
                    run.memory_kib.1 = memory(child.id())?;
                }
            }
            Some("test-finished") => bail!("a test did not pass: {line}"),
            _ => {}
        }
    }
    let status = child.wait()?;
    run.whole = begun.elapsed();
    ensure!(status.success(), "vthost failed ({status})");
    Ok(run)
}

/// The resident memory of a process.
fn memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .context("no VmRSS in /proc")
}
