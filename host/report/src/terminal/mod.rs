//! What the operator sees while the job runs.

mod live;
mod screen;
mod style;

use std::io::Write;

use vthost_metadata::{Event, EventKind, JobStarted, TestFinished, TestStarted};

use crate::time::seconds;
use crate::tree::phase_word;
use crate::{Job, ReportError, Sink, TestResult, text};
use live::Live;
use screen::Screen;
use style::Palette;

/// How many failed tests are listed after the summary.
const LISTED_FAILURES: usize = 30;

/// How much the terminal says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures and the summary.
    Quiet,
    /// A line for each test that ended.
    #[default]
    Normal,
    /// A line for each test that starts, too, and the facts about the host.
    Verbose,
}

/// How the terminal looks. The caller decides, from its flags, `NO_COLOR` and what its output is.
#[derive(Debug, Clone, Copy, Default)]
pub struct TerminalOptions {
    /// Whether to use colours.
    pub color: bool,
    /// Whether the output is a terminal on which lines can be drawn again: shows what runs now, and cuts
    /// long lines.
    pub progress: bool,
    /// How much to say.
    pub verbosity: Verbosity,
    /// The columns of the terminal; where none are given, those of standard output, as they change.
    pub width: Option<u16>,
}

/// Shows a job on a terminal, in the manner of the guide:
///
/// ```text
/// JOB ID     : 44a399b427c51530ba2fcc37087c100917e1dd8a
/// JOB LOG    : /home/you/.local/state/vthost/job-results/job-2026-11-22T14.03-44a399b/job.log
///  (1/2) boot: PASS (7.12 s)
///  (2/2) migrate.tcp: FAIL: the guest does not answer (41.07 s)
/// RESULTS    : PASS 1 | ERROR 0 | FAIL 1 | SKIP 0 | WARN 0 | INTERRUPT 0 | CANCEL 0
/// JOB HTML   : /home/you/.local/state/vthost/job-results/job-2026-11-22T14.03-44a399b/results.html
/// JOB TIME   : 48.31 s
/// ```
///
/// It comes last in a [`Pipeline`](crate::Pipeline): it names the HTML report only when that is there.
pub struct Terminal {
    screen: Screen,
    palette: Palette,
    options: TerminalOptions,
    live: Option<Live>,
    total: usize,
}

impl Terminal {
    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>, options: TerminalOptions) -> Self {
        Self {
            screen: Screen::new(out, options.width),
            palette: Palette::new(options.color),
            options,
            live: None,
            total: 0,
        }
    }

    fn job_started(&mut self, job: &JobStarted) -> Result<(), ReportError> {
        self.total = job.tests;
        if self.options.verbosity > Verbosity::Quiet {
            self.field("JOB ID", &job.job_id)?;
            self.field("JOB LOG", &format!("{}/job.log", job.job_dir))?;
            if self.options.verbosity == Verbosity::Verbose {
                self.field("VERSION", &job.version)?;
                for (key, value) in &job.host {
                    self.field("HOST", &format!("{key}: {value}"))?;
                }
            }
            if self.options.progress && self.total > 0 {
                self.live = Some(Live::new(self.screen.clone(), self.palette, self.total));
            }
        }
        Ok(())
    }

    fn test_started(&mut self, test: &TestStarted) -> Result<(), ReportError> {
        let label = self.label(test.number);
        let name = text::line(&test.name);
        if let Some(live) = &mut self.live {
            live.start(test.number, label.clone(), name.clone());
        }
        if self.options.verbosity == Verbosity::Verbose {
            self.print(&format!(" {label} {name}: STARTED"))?;
        }
        Ok(())
    }

    fn test_finished(&mut self, test: &TestFinished) -> Result<(), ReportError> {
        if let Some(live) = &mut self.live {
            live.finish(test.number, test.status);
        }
        if self.options.verbosity == Verbosity::Quiet && test.status.is_ok() {
            return Ok(());
        }
        let reason = test.reason.as_deref().map(text::first_line);
        let line = ResultLine {
            label: self.label(test.number),
            name: text::line(&test.name),
            status: self.palette.status(test.status),
            reason: reason.filter(|reason| !reason.is_empty()),
            elapsed: seconds(test.elapsed),
        };
        self.print(&line.fit(self.options.progress.then(|| self.screen.columns())))
    }

    fn summary(&mut self, job: &Job) -> Result<(), ReportError> {
        let counts = self.palette.counts(job.counts());
        self.field_as_is("RESULTS", &counts)?;
        let html = job.dir().join("results.html");
        if html.is_file() {
            self.field("JOB HTML", &html.to_string_lossy())?;
        }
        self.field("JOB TIME", &seconds(job.elapsed()))
    }

    fn failures(&mut self, job: &Job) -> Result<(), ReportError> {
        let failed: Vec<_> = job.tests().filter(|test| !test.status.is_ok()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.print("")?;
        self.print(&self.palette.title("FAILED TESTS"))?;
        for test in failed.iter().take(LISTED_FAILURES) {
            self.failure(job, test)?;
        }
        match failed.len().saturating_sub(LISTED_FAILURES) {
            0 => Ok(()),
            more => self.print(&format!(" and {more} more; the reports have all of them")),
        }
    }

    fn failure(&mut self, job: &Job, test: &TestResult) -> Result<(), ReportError> {
        let label = self.label(test.number);
        let status = self.palette.status(test.status);
        self.print(&format!(" {label} {}: {status}", test.name))?;
        let headline = test.headline();
        if !headline.is_empty() {
            self.print(&format!("     reason : {headline}"))?;
        }
        let log = job.dir().join(&test.dir).join("debug.log");
        let log = text::line(&log.to_string_lossy());
        self.print(&format!("     log    : {}", self.palette.soft(&log)))
    }

    /// The number of a test among all of them: `(01/38)`.
    fn label(&self, number: usize) -> String {
        let total = self.total;
        let digits = total.to_string().len();
        format!("({number:0digits$}/{total})")
    }

    fn field(&mut self, key: &str, value: &str) -> Result<(), ReportError> {
        self.field_as_is(key, &text::line(value))
    }

    fn field_as_is(&mut self, key: &str, value: &str) -> Result<(), ReportError> {
        self.print(&format!("{key:<10} : {value}"))
    }

    fn print(&mut self, line: &str) -> Result<(), ReportError> {
        match &self.live {
            Some(live) => live.suspend(|| self.screen.line(line)),
            None => self.screen.line(line),
        }
        .map_err(ReportError::terminal)
    }
}

impl Sink for Terminal {
    fn name(&self) -> &'static str {
        "output on the terminal"
    }

    fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        match &event.kind {
            EventKind::JobStarted(job) => self.job_started(job),
            EventKind::TestStarted(test) => self.test_started(test),
            EventKind::TestPhase(step) => {
                if let Some(live) = &mut self.live {
                    live.phase(step.number, phase_word(step.phase));
                }
                Ok(())
            }
            EventKind::TestFinished(test) => self.test_finished(test),
            EventKind::JobInterrupted(interrupt) => {
                let signal = text::line(&interrupt.signal);
                self.print(&format!(
                    "Interrupt requested ({signal}): waiting for the running tests to end"
                ))
            }
            EventKind::TestLog(_) | EventKind::JobFinished(_) => Ok(()),
        }
    }

    fn finish(&mut self, job: &Job) -> Result<(), ReportError> {
        if let Some(live) = self.live.take() {
            live.clear();
        }
        self.summary(job)?;
        self.failures(job)
    }
}

/// The line of a test that ended.
struct ResultLine {
    label: String,
    name: String,
    status: String,
    reason: Option<String>,
    elapsed: String,
}

impl ResultLine {
    /// The reason gives way where the line has to fit, but never all of it.
    fn fit(self, columns: Option<usize>) -> String {
        const LEAST: usize = 20;
        let head = format!(" {} {}: {}", self.label, self.name, self.status);
        let tail = format!(" ({})", self.elapsed);
        let Some(reason) = self.reason else {
            return head + &tail;
        };
        let reason = match columns {
            Some(columns) => {
                let taken =
                    console::measure_text_width(&head) + console::measure_text_width(&tail) + 2;
                let room = columns.saturating_sub(taken).max(LEAST);
                console::truncate_str(&reason, room, "…").into_owned()
            }
            None => reason,
        };
        format!("{head}: {reason}{tail}")
    }
}
