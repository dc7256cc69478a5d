//! The lines at the foot of the terminal: what runs now.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use vthost_metadata::Status;

use super::screen::Screen;
use super::style::Palette;

/// How many running tests are shown; the others are counted.
const SHOWN: usize = 8;

const TICK: Duration = Duration::from_millis(200);

/// How often all lines are drawn at most, in a second. A terminal may be at the end of a slow line.
const DRAWS: u8 = 8;

/// The live lines: one for each of the first running tests, and one for the job.
pub(super) struct Live {
    lines: MultiProgress,
    palette: Palette,
    job: ProgressBar,
    running: BTreeMap<usize, Running>,
    failed: usize,
}

/// A running test.
struct Running {
    label: String,
    name: String,
    phase: &'static str,
    since: Instant,
    /// None while there is no room for it.
    line: Option<ProgressBar>,
}

impl Live {
    pub(super) fn new(screen: Screen, palette: Palette, total: usize) -> Self {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), DRAWS);
        let lines = MultiProgress::with_draw_target(target);
        let job = lines.add(ProgressBar::new(total as u64));
        job.set_style(style(
            " {spinner} {pos}/{len} done{msg} [{elapsed_precise}]",
        ));
        job.enable_steady_tick(TICK);
        Self {
            lines,
            palette,
            job,
            running: BTreeMap::new(),
            failed: 0,
        }
    }

    pub(super) fn start(&mut self, number: usize, label: String, name: String) {
        let test = Running {
            label,
            name,
            phase: "start",
            since: Instant::now(),
            line: None,
        };
        if let Some(before) = self.running.insert(number, test) {
            self.remove_line(&before);
        }
        self.show();
    }

    pub(super) fn phase(&mut self, number: usize, phase: &'static str) {
        if let Some(test) = self.running.get_mut(&number) {
            test.phase = phase;
            test.describe(self.palette);
        }
    }

    pub(super) fn finish(&mut self, number: usize, status: Status) {
        if let Some(test) = self.running.remove(&number) {
            self.remove_line(&test);
        }
        self.failed += usize::from(!status.is_ok());
        self.job.inc(1);
        self.show();
    }

    /// Takes the live lines away while `print` writes lines that stay.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.lines.suspend(print)
    }

    /// Takes the live lines away for good.
    pub(super) fn clear(self) {
        for test in self.running.values() {
            self.remove_line(test);
        }
        self.job.finish_and_clear();
    }

    /// Gives lines to running tests as long as there is room, and says how things stand.
    fn show(&mut self) {
        let shown = self.running.values().filter(|test| test.line.is_some());
        let room = SHOWN.saturating_sub(shown.count());
        let waiting = self.running.values_mut();
        for test in waiting.filter(|test| test.line.is_none()).take(room) {
            let line = ProgressBar::new_spinner().with_elapsed(test.since.elapsed());
            let line = self.lines.insert_before(&self.job, line);
            line.set_style(style(" {spinner} {prefix} {elapsed_precise} {wide_msg}"));
            test.line = Some(line.clone());
            test.describe(self.palette);
            line.enable_steady_tick(TICK);
        }
        let mut message = format!(", {} running", self.running.len());
        if self.failed > 0 {
            message += ", ";
            message += &self.palette.title(&format!("{} failed", self.failed));
        }
        self.job.set_message(message);
    }

    fn remove_line(&self, test: &Running) {
        if let Some(line) = &test.line {
            line.finish_and_clear();
            self.lines.remove(line);
        }
    }
}

impl Running {
    fn describe(&self, palette: Palette) {
        if let Some(line) = &self.line {
            let phase = palette.strong(&format!("{:<11}", self.phase));
            line.set_prefix(format!("{} {phase}", self.label));
            line.set_message(self.name.clone());
        }
    }
}

/// The templates are constants; a wrong one would show as the default style.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
