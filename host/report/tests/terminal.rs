//! What the operator sees.

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use common::{JOB_DIR, died, empty, every_status};
use indicatif::{InMemoryTerm, TermLike as _};
use insta::assert_snapshot;
use vthost_metadata::Event;
use vthost_report::{Pipeline, Terminal, TerminalOptions, Verbosity};

/// How long a test waits for what does come: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Output that can be read while it is written.
#[derive(Clone, Default)]
struct Output(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until the screen shows all of these, written by whichever thread, and gives the screen.
    fn wait_for(&self, expected: &[&str]) -> String {
        let (written, more) = &*self.0;
        let mut shown = written.lock().unwrap();
        loop {
            let screen = on_screen(&shown, 80);
            if expected.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            let (guard, waited) = more.wait_timeout(shown, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "{screen}");
            shown = guard;
        }
    }

    /// What a terminal of this size shows of it.
    fn on_screen(&self, columns: u16) -> String {
        on_screen(&self.0.0.lock().unwrap(), columns)
    }
}

fn on_screen(written: &[u8], columns: u16) -> String {
    let text = String::from_utf8_lossy(written);
    let screen = InMemoryTerm::new(120, columns);
    screen
        .write_str(&text.replace("\r\n", "\n").replace('\n', "\r\n"))
        .unwrap();
    screen.contents()
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (written, more) = &*self.0;
        let count = written.lock().unwrap().write(bytes)?;
        more.notify_all();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn show(events: &[Event], options: TerminalOptions) -> Output {
    let output = Output::default();
    let terminal = Terminal::new(Box::new(output.clone()), options);
    common::run(events, vec![Box::new(terminal)]);
    output
}

fn with(verbosity: Verbosity) -> TerminalOptions {
    TerminalOptions {
        verbosity,
        ..TerminalOptions::default()
    }
}

#[test]
fn plain() {
    let output = show(&every_status(JOB_DIR), with(Verbosity::Normal)).text();
    assert_snapshot!(output);
    assert!(!output.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn quiet() {
    assert_snapshot!(show(&every_status(JOB_DIR), with(Verbosity::Quiet)).text());
}

#[test]
fn verbose() {
    assert_snapshot!(show(&every_status(JOB_DIR), with(Verbosity::Verbose)).text());
}

#[test]
fn colour() {
    let options = TerminalOptions {
        color: true,
        ..TerminalOptions::default()
    };
    let output = show(&every_status(JOB_DIR), options).text();
    assert_snapshot!(output.replace('\x1b', "␛"));
    // The test's own sequence, which clears the screen, is not among ours.
    assert!(!output.contains("\x1b[2J"));
}

#[test]
fn a_job_without_tests() {
    assert_snapshot!(show(&empty(JOB_DIR), with(Verbosity::Normal)).text());
}

#[test]
fn a_job_whose_host_died() {
    assert_snapshot!(show(&died(JOB_DIR), with(Verbosity::Normal)).text());
}

#[test]
fn the_html_report_is_named_when_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("results.html"), "").unwrap();
    let job_dir = dir.path().to_str().unwrap();
    let output = show(&empty(job_dir), with(Verbosity::Normal)).text();
    assert!(output.contains(&format!("JOB HTML   : {job_dir}/results.html\n")));
}

#[test]
fn many_failures_are_cut() {
    use vthost_metadata::Status;
    let mut job = common::Script::new(JOB_DIR, 40);
    for number in 1..=40 {
        let dir = format!("test-results/{number:02}-broken");
        job.end(number, "broken", &dir, Status::Fail, Some("broken"), None);
    }
    let output = show(&job.finish(false), with(Verbosity::Quiet)).text();
    assert_eq!(output.matches("reason : broken").count(), 30);
    assert!(output.ends_with(" and 10 more; the reports have all of them\n"));
}

#[test]
fn live_lines_leave_nothing_behind() {
    let options = TerminalOptions {
        progress: true,
        width: Some(80),
        ..TerminalOptions::default()
    };
    let output = show(&every_status(JOB_DIR), options);
    assert_snapshot!(output.on_screen(80));
}

#[test]
fn live_lines_show_what_runs() {
    let options = TerminalOptions {
        progress: true,
        width: Some(80),
        ..TerminalOptions::default()
    };
    let output = Output::default();
    let terminal = Terminal::new(Box::new(output.clone()), options);
    let mut pipeline = Pipeline::replay(vec![Box::new(terminal)]);
    let events = every_status(JOB_DIR);
    for event in &events[..8] {
        pipeline.event(event).unwrap();
    }
    // The lines are drawn by threads of their own.
    let expected = [
        "(01/12) run",
        "boot",
        "(02/12) run",
        "migrate.tcp",
        "0/12 done, 2 running",
    ];
    output.wait_for(&expected);
    for event in &events[8..] {
        pipeline.event(event).unwrap();
    }
    assert!(pipeline.finish().is_empty());
    assert!(!output.on_screen(80).contains(" done, "));
}

#[test]
fn more_tests_than_lines_are_counted() {
    let options = TerminalOptions {
        progress: true,
        width: Some(80),
        ..TerminalOptions::default()
    };
    let mut job = common::Script::new(JOB_DIR, 20);
    for number in 1..=20 {
        job.start(number, "test", &format!("test-results/{number}-test"));
    }
    let output = show(&job.events, options).on_screen(80);
    assert!(!output.contains(" done, "), "{output}");
    assert!(output.contains("INTERRUPT 20"));
}
