//! What was found, and where.

use std::collections::HashMap;
use std::fmt;

use crate::error::report;
use crate::lint::rule::Rule;
use crate::near::did_you_mean;
use crate::syntax::{Stmt, Syntax};
use crate::text::span::{Extent, Span};

/// Something that is most likely not meant: what, and where (file, line, column).
///
/// `Display` is one line, `file:line:column: message`; [`Lint::render`] shows the source line with a caret.
#[derive(Clone)]
pub struct Lint {
    rule: Rule,
    span: Span,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
}

impl Lint {
    /// The rule that found it.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What else there is to know: another place, a consequence.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// A hint how to mend it, if there is one.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The name of the source.
    pub fn source_name(&self) -> &str {
        self.span.name()
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.span.number()
    }

    /// The column, in characters from 1, after tabs became blanks.
    pub fn column(&self) -> u32 {
        self.span.column()
    }

    /// The line of the source, as it is written there.
    pub fn source_line(&self) -> &str {
        self.span.source_line()
    }

    /// A report of several lines, as that of an [`Error`](crate::Error): the message, the place, the source line with a
    /// caret, the includes that lead there, the notes, the help, and the name of the rule.
    pub fn render(&self) -> String {
        let notes = self.notes().map(|note| ("note", note));
        let help = self.help().map(|help| ("help", help));
        let rule = format!("rule `{}`", self.rule);
        report(
            &format!("warning: {}", self.message),
            &self.span,
            notes.chain(help).chain([("note", rule.as_str())]),
        )
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Asks whether one of these names was meant, if there are any.
    pub(super) fn suggest(&mut self, near: &[String]) {
        self.help = did_you_mean(near).or(self.help.take());
    }

    pub(super) fn help_with(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.source_name(),
            self.line(),
            self.column(),
            self.message()
        )
    }
}

impl fmt::Debug for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lint({}, {self})", self.rule)
    }
}

/// The findings of all rules.
pub(super) struct Findings<'s> {
    syntax: &'s Syntax,
    all: Vec<Found>,
}

/// A finding, and what makes it the same as another.
struct Found {
    /// The number that the file had when it was first included.
    file: u32,
    at: Extent,
    /// What it is about, if that is wrong in the same way wherever it stands in a file: a label that no variant has.
    subject: Option<String>,
    lint: Lint,
}

impl Found {
    fn place(&self) -> (u32, u32, u32, Rule) {
        (self.file, self.at.start, self.at.end, self.lint.rule)
    }
}

/// So many lines are listed in a note.
const MAX_LINES: usize = 8;

impl<'s> Findings<'s> {
    pub(super) fn new(syntax: &'s Syntax) -> Self {
        Self {
            syntax,
            all: Vec::new(),
        }
    }

    /// Adds a finding at a place in the file of `stmt`.
    pub(super) fn add(
        &mut self,
        rule: Rule,
        stmt: &Stmt,
        at: Extent,
        message: impl Into<String>,
    ) -> &mut Lint {
        self.push(rule, stmt, at, message.into(), None)
    }

    /// Adds a finding that is told once for each file: of the others about `subject`, only the lines are told.
    pub(super) fn add_once(
        &mut self,
        rule: Rule,
        stmt: &Stmt,
        at: Extent,
        message: impl Into<String>,
        subject: &str,
    ) -> &mut Lint {
        self.push(rule, stmt, at, message.into(), Some(subject.to_owned()))
    }

    fn push(
        &mut self,
        rule: Rule,
        stmt: &Stmt,
        at: Extent,
        message: String,
        subject: Option<String>,
    ) -> &mut Lint {
        let span = Span {
            at,
            ..self.syntax.span(stmt)
        };
        let lint = Lint {
            rule,
            span,
            message,
            notes: Vec::new(),
            help: None,
        };
        self.all.push(Found {
            file: stmt.file,
            at,
            subject,
            lint,
        });
        let last = self.all.len() - 1;
        &mut self.all[last].lint
    }

    /// The findings in the order of the text, each of them once. In a file that is included several times, what one
    /// inclusion makes use of is no finding in the others.
    pub(super) fn in_order(self) -> Vec<Lint> {
        // For each file, its number when it was first included; for that one, how often it was.
        let mut first: Vec<u32> = Vec::new();
        let mut inclusions = vec![0_usize; self.syntax.files.len()];
        let mut by_name: HashMap<&str, u32> = HashMap::new();
        for (number, file) in (0..).zip(&self.syntax.files) {
            let known = *by_name.entry(&file.name).or_insert(number);
            inclusions[known as usize] += 1;
            first.push(known);
        }
        let mut all = self.all;
        for found in &mut all {
            found.file = first[found.file as usize];
        }
        all.sort_by_key(Found::place);
        let kept = all.chunk_by(|a, b| a.place() == b.place());
        let kept = kept.filter(|same| same.len() == inclusions[same[0].file as usize]);
        folded(kept.map(|same| &same[0]))
    }
}

/// The findings; those about one subject as one.
fn folded<'f>(all: impl Iterator<Item = &'f Found>) -> Vec<Lint> {
    let mut kept: Vec<Lint> = Vec::new();
    // Where the first about each subject is, and the lines of the others.
    let mut subjects: Vec<(usize, Vec<u32>)> = Vec::new();
    let mut known: HashMap<(u32, Rule, &str), usize> = HashMap::new();
    for found in all {
        let rule = found.lint.rule;
        if let Some(subject) = &found.subject {
            let subject = *known
                .entry((found.file, rule, subject))
                .or_insert(subjects.len());
            if let Some((_, lines)) = subjects.get_mut(subject) {
                lines.push(found.lint.line());
                continue;
            }
            subjects.push((kept.len(), Vec::new()));
        }
        kept.push(found.lint.clone());
    }
    for (at, mut lines) in subjects {
        let lint = &mut kept[at];
        lines.dedup();
        lines.retain(|line| *line != lint.line());
        if let Some(lines) = listed(&lines) {
            lint.note(lines);
        }
    }
    kept
}

/// `also in lines 3, 4 and 2 more`
fn listed(lines: &[u32]) -> Option<String> {
    let (shown, others) = lines.split_at(lines.len().min(MAX_LINES));
    let mut numbers: Vec<String> = shown.iter().map(u32::to_string).collect();
    let last = match others.len() {
        0 => numbers.pop()?,
        others => format!("{others} more"),
    };
    Some(match numbers.is_empty() {
        true => format!("also in line {last}"),
        false => format!("also in lines {} and {last}", numbers.join(", ")),
    })
}
