//! What the operator sees.

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use common::{JOB_DIR, died, empty, every_status};
use indicatif::{InMemoryTerm, TermLike as _};
use insta::assert_snapshot;
use vthost_metadata::Event;
use vthost_report::{Pipeline, Terminal, TerminalOptions, Verbosity};

/// Output that can be read while it is written.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// What a terminal of this size shows of it.
    fn on_screen(&self, columns: u16) -> String {
        let screen = InMemoryTerm::new(120, columns);
        screen
            .write_str(&self.text().replace("\r\n", "\n").replace('\n', "\r\n"))
            .unwrap();
        screen.contents()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
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
    let shown = || {
        let screen = output.on_screen(80);
        (expected.iter().all(|text| screen.contains(text)), screen)
    };
    for _ in 0..200 {
        if shown().0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (complete, screen) = shown();
    assert!(complete, "{screen}");
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
