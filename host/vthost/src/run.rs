//! `vthost run`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};
use vthost_job::{Interrupt, JobDir, JobEnd, Places, Plan, Runner};
use vthost_metadata::{Event, ExitCode, Status, TestKind};
use vthost_provider::Dirs;
use vthost_report::{
    EventLog, Pipeline, ReportError, Terminal, TerminalOptions, Verbosity, default_sinks,
};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::list::warn_of_broken;
use crate::select::plan;
use crate::settings::Settings;

/// How many events may wait to be recorded. A test that makes more waits with them, so that memory stays flat.
const BACKLOG: usize = 4096;

/// The type of tests that can be run.
const RUNS: &str = "qemu";

pub(crate) fn main(args: &RunArgs, settings: &Settings, color: bool) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let request = args.select.request(&dirs, settings)?;
    if let Some(backend) = request
        .backend
        .as_deref()
        .filter(|backend| *backend != RUNS)
    {
        let text = format!(
            "vthost runs tests of type {RUNS} only; `vthost list --vt-type {backend}` shows the others"
        );
        return Err(Failure::new(ExitCode::Usage, text));
    }
    let plan = plan(&request, settings)?;
    warn_of_broken(&plan);
    let places = Places {
        data: dirs.data.clone(),
        components: dirs.components(),
        binaries: dirs.binaries(),
    };
    vthost_job::check_ready(&plan, &places)?;
    warn_of_denials(&plan);

    let runner = Runner::new(&plan, places)?;
    tell_swept(runner.swept());
    let results = args.results.clone().or_else(|| settings.results());
    let results = results.unwrap_or_else(|| dirs.results.clone());
    let dir = JobDir::create(&results)?;
    let (sender, events) = mpsc::sync_channel::<Event>(BACKLOG);
    let pipeline = pipeline(args, color, &dir.path)?;
    let interrupt = Interrupt::default();
    let reporter = {
        let interrupt = interrupt.clone();
        thread::Builder::new()
            .name("report".to_owned())
            .spawn(move || report(pipeline, &events, &interrupt))
            .map_err(|error| Failure::system("start a thread", &error))?
    };
    let ended = carry_out(&runner, &dir, &interrupt, sender);
    // The reporter has all events when the sender is gone; results are written whatever the job did.
    let recorded = reporter
        .join()
        .map_err(|_| Failure::new(ExitCode::JobFailed, "the reporter ended early"))?;
    let ended = ended?;
    recorded?;
    let all_denied = !plan
        .tests
        .iter()
        .any(|test| test.will_run() || test.fault.is_some());
    for problem in &ended.problems {
        crate::output::tell!("error: after the last test: {problem}");
    }
    Ok(match exit_code(&ended) {
        // A job that tested nothing is not a good job.
        ExitCode::Ok if all_denied => ExitCode::NothingToRun,
        code => code,
    })
}

fn exit_code(ended: &JobEnd) -> ExitCode {
    let failed = Status::ALL
        .into_iter()
        .any(|status| !status.is_ok() && ended.counts.get(status) > 0);
    match (ended.interrupted, failed) {
        (true, _) => ExitCode::Interrupted,
        (false, _) if !ended.problems.is_empty() => ExitCode::JobFailed,
        (false, true) => ExitCode::TestsFailed,
        (false, false) => ExitCode::Ok,
    }
}

/// What a killed vthost left is gone now.
fn tell_swept(swept: &[std::path::PathBuf]) {
    let [first, others @ ..] = swept else {
        return;
    };
    let more = match others.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    crate::output::tell!(
        "note: removed what a killed vthost left behind: {}{more}",
        first.display()
    );
}

/// What is missing is told once, up front.
fn warn_of_denials(plan: &Plan) {
    let denials = plan.denials();
    if denials.is_empty() {
        return;
    }
    let yellow = console::Style::new().for_stderr().yellow().bold();
    let skipped = plan
        .tests
        .iter()
        .filter(|test| test.kind() == TestKind::Denied)
        .count();
    crate::output::tell!(
        "{} {skipped} of {} tests will be skipped:",
        yellow.apply_to("warning:"),
        plan.tests.len()
    );
    for denial in denials {
        crate::output::tell!("  {}", vthost_report::text::line(&denial.to_string()));
    }
}

fn pipeline(args: &RunArgs, color: bool, dir: &Path) -> Result<Pipeline, Failure> {
    let mut sinks = default_sinks(dir);
    if args.json {
        sinks.push(Box::new(EventLines));
    } else {
        let verbosity = match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let options = TerminalOptions {
            color,
            progress: io::stdout().is_terminal(),
            verbosity,
            width: None,
        };
        sinks.push(Box::new(Terminal::new(Box::new(io::stdout()), options)));
    }
    Ok(Pipeline::record(EventLog::create(dir)?, sinks))
}

/// Records events until there are no more. Results that cannot be recorded end the job.
fn report(
    mut pipeline: Pipeline,
    events: &mpsc::Receiver<Event>,
    interrupt: &Interrupt,
) -> Result<(), ReportError> {
    let mut recorded = Ok(());
    for event in events {
        if let Err(error) = pipeline.event(&event)
            && recorded.is_ok()
        {
            interrupt.request("a failure to record results");
            recorded = Err(error);
        }
    }
    for dropped in pipeline.finish() {
        crate::output::tell!("warning: {dropped}: {}", dropped.source);
    }
    recorded
}

fn carry_out(
    runner: &Runner<'_>,
    dir: &JobDir,
    interrupt: &Interrupt,
    sender: mpsc::SyncSender<Event>,
) -> Result<JobEnd, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the runtime", &error))?;
    let ended = runtime.block_on(async {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::system("listen to signals", &error));
        let mut interrupts = listen(SignalKind::interrupt())?;
        let mut terminations = listen(SignalKind::terminate())?;
        let watched = interrupt.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    Some(()) = interrupts.recv() => "SIGINT",
                    Some(()) = terminations.recv() => "SIGTERM",
                    else => break,
                };
                watched.request(name);
            }
        });
        let command = std::env::args().collect();
        let unrecorded = interrupt.clone();
        let emit = move |event| {
            // The reporter lives until this sender is gone. If it does not, nothing is recorded any more.
            if sender.send(event).is_err() {
                unrecorded.request("the end of the reporter");
            }
        };
        runner
            .run(dir, command, interrupt, emit)
            .await
            .map_err(Failure::from)
    });
    // Nothing of a test is left; what the runtime still holds are threads that wait for guests long gone.
    runtime.shutdown_background();
    ended
}

/// Prints every event as it is recorded.
struct EventLines;

impl vthost_report::Sink for EventLines {
    fn name(&self) -> &'static str {
        "events on standard output"
    }

    fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let mut line = serde_json::to_vec(event).map_err(|error| ReportError::Terminal {
            source: error.into(),
        })?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        match out.write_all(&line).and_then(|()| out.flush()) {
            // Who stops reading has seen enough; the results are on disk.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(|source| ReportError::Terminal { source }),
        }
    }

    fn finish(&mut self, _: &vthost_report::Job) -> Result<(), ReportError> {
        Ok(())
    }
}
