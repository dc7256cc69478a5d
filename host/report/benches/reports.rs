//! How fast events become reports: `cargo bench -p vthost-report`.
//!
//! Times are printed and not judged.

use std::error::Error;
use std::fs;
use std::time::Instant;

use jiff::tz::TimeZone;
use vthost_metadata::{
    Event, EventKind, JobStarted, LogLevel, LogSource, SCHEMA, Status, TestFinished, TestLog,
    TestStarted,
};
use vthost_report::{EventLog, Pipeline, Terminal, TerminalOptions, default_sinks_in};

const LINES: usize = 40;
const PARAMS: usize = 233;

fn main() -> Result<(), Box<dyn Error>> {
    // Without this flag it is run as a test, to see that it works.
    let tests = match std::env::args().any(|arg| arg == "--bench") {
        true => 5_000,
        false => 50,
    };
    let dir = tempfile::tempdir()?;
    let mut sinks = default_sinks_in(dir.path(), TimeZone::UTC);
    let out = Box::new(std::io::sink());
    sinks.push(Box::new(Terminal::new(out, TerminalOptions::default())));
    let mut pipeline = Pipeline::record(EventLog::create(dir.path())?, sinks);

    let begin = Instant::now();
    let mut events = 0;
    let mut send = |kind| {
        events += 1;
        let time = 1_795_356_181.0 + events as f64 / 1000.0;
        pipeline.event(&Event { time, kind })
    };
    send(EventKind::JobStarted(JobStarted {
        schema: SCHEMA,
        job_id: "c0ffee1427c51530ba2fcc37087c100917e1dd8a".to_owned(),
        job_dir: dir.path().to_string_lossy().into_owned(),
        tests,
        command: vec!["vthost".to_owned()],
        version: "0.1.0".to_owned(),
        host: Vec::new(),
    }))?;
    let params: Vec<_> = (0..PARAMS)
        .map(|key| {
            (
                format!("key_{key:03}"),
                "a value of usual length".to_owned(),
            )
        })
        .collect();
    for number in 1..=tests {
        let name = format!("migrate.default.tcp.virtio_blk.smp2.JeOS.x86_64.{number}");
        let dir = format!("test-results/{number}-migrate");
        send(EventKind::TestStarted(TestStarted {
            number,
            total: tests,
            name: name.clone(),
            variant: name.repeat(4),
            pack: "qemu.wasm".to_owned(),
            dir: dir.clone(),
            params: params.clone(),
        }))?;
        for line in 0..LINES {
            send(EventKind::TestLog(TestLog {
                number,
                level: if line % 4 == 0 {
                    LogLevel::Info
                } else {
                    LogLevel::Debug
                },
                source: LogSource::Test,
                message: format!(
                    "line {line} of a log with lines of usual length, as tests write them"
                ),
            }))?;
        }
        let failed = number % 10 == 0;
        send(EventKind::TestFinished(TestFinished {
            number,
            name,
            dir,
            status: if failed { Status::Fail } else { Status::Pass },
            reason: failed.then(|| "the guest does not answer".to_owned()),
            detail: None,
            started: 1_795_356_181.0,
            elapsed: 1.0,
        }))?;
    }
    let streamed = begin.elapsed();
    let begin = Instant::now();
    for dropped in pipeline.finish() {
        println!("{dropped}: {}", dropped.source);
    }
    let finished = begin.elapsed();

    println!("{tests} tests, {events} events: {streamed:.2?} to take, {finished:.2?} to finish");
    for report in [
        "events.jsonl",
        "job.log",
        "results.json",
        "results.xml",
        "results.tap",
        "results.html",
    ] {
        let size = fs::metadata(dir.path().join(report))?.len();
        println!("  {report:<14} {:>8} KiB", size >> 10);
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "  peak memory    {}",
        peak.unwrap_or_default().trim_start_matches("VmHWM:").trim()
    );
    Ok(())
}
