//! A page of the documentation, taken apart into what a reader would do.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// Something that a reader does.
pub(super) enum Step {
    /// Writes a fenced block to a file.
    Write { path: String, text: String },
    /// What the test does where the reader has done it long ago.
    Before(String),
    /// Types commands.
    Block(Block),
    /// Types commands that a test cannot run, for that reason.
    NotRun(String),
}

/// A block of commands with what they print.
pub(super) struct Block {
    /// The exit code of each of its commands.
    pub(super) exit: i32,
    pub(super) commands: Vec<Shown>,
}

/// A command and what stands below it.
pub(super) struct Shown {
    /// The line of the page, counted from 1.
    pub(super) line: usize,
    pub(super) command: String,
    /// The lines of its output, counted from 0.
    pub(super) lines: Range<usize>,
    pub(super) output: Vec<String>,
}

/// A page.
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) lines: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// What comments say about the fence that follows them.
#[derive(Default)]
struct Notes {
    exit: i32,
    not_run: Option<String>,
    file: Option<String>,
}

impl Page {
    /// Reads a page, named relative to the root of the repository.
    pub(super) fn read(name: &str) -> Self {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut steps = Vec::new();
        let mut notes = Notes::default();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].trim();
            if let Some((key, value)) = comment(line) {
                match key {
                    "before" => steps.push(Step::Before(value.to_owned())),
                    "exit" => notes.exit = value.parse().expect("an exit code"),
                    "not run" => notes.not_run = Some(value.to_owned()),
                    "file" => notes.file = Some(value.to_owned()),
                    _ => panic!("{name}:{}: `{key}` means nothing here", at + 1),
                }
            }
            let Some(info) = line.strip_prefix("```") else {
                at += 1;
                continue;
            };
            let indent = lines[at].len() - line.len();
            let length = lines[at + 1..].iter().position(|line| line.trim() == "```");
            let end = at + 1 + length.expect("a fence that is closed");
            let inside = at + 1..end;
            let notes = std::mem::take(&mut notes);
            if let Some(path) = notes.file {
                let text = inside.map(|at| lines[at].get(indent..).unwrap_or_default());
                let text = text.flat_map(|line| [line, "\n"]).collect();
                steps.push(Step::Write { path, text });
            } else if info == "console" {
                steps.push(match notes.not_run {
                    Some(reason) => Step::NotRun(reason),
                    None => Step::Block(Block {
                        exit: notes.exit,
                        commands: commands(&lines, inside, indent),
                    }),
                });
            }
            at = end + 1;
        }
        Self { path, lines, steps }
    }
}

/// A comment for this test: `<!-- exit: 4 -->`.
fn comment(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("<!-- ")?
        .strip_suffix(" -->")?
        .split_once(": ")
}

fn commands(lines: &[String], inside: Range<usize>, indent: usize) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for at in inside {
        let line = lines[at].get(indent..).unwrap_or_default();
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown {
                line: at + 1,
                command: command.to_owned(),
                lines: at + 1..at + 1,
                output: Vec::new(),
            });
        } else {
            let last = commands.last_mut();
            let last = last.unwrap_or_else(|| panic!("line {}: output of no command", at + 1));
            last.output.push(line.to_owned());
            last.lines.end = at + 1;
        }
    }
    commands
}
