//! `vthost cartesian lint`.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use vthost_cartesian::{Lint, LintOptions, lint};
use vthost_metadata::ExitCode;
use vthost_params::registry::{self, Kind};

use super::cli::LintArgs;
use super::files::Files;
use super::format;
use crate::failure::Failure;
use crate::output::Lines;

pub(crate) fn main(args: &LintArgs, color: bool) -> Result<ExitCode, Failure> {
    let mut options = LintOptions::default();
    options.allow.clone_from(&args.allow);
    options.known_keys = registry::keys().map(|key| key.name).collect();
    options.lists_of_objects = registry::keys()
        .filter(|key| matches!(key.kind, Kind::Names(_)))
        .map(|key| key.name)
        .collect();
    let files = Files::default();
    let mut out = Lines::new();
    let mut told = Told::default();
    let mut code = ExitCode::Ok;
    let mut is_read = true;
    for path in &args.files {
        let found = match look(path, &files, &options) {
            Ok(found) => found,
            Err(failure) => {
                // The other files may have findings all the same.
                out.flush()?;
                failure.print();
                code = failure.code();
                continue;
            }
        };
        for lint in &found {
            if !told.add(lint) {
                continue;
            }
            let text = match args.json {
                true => as_json(lint, out.is_terminal()),
                false => as_text(lint, told.count > 1, color),
            };
            // Whoever has read enough may still want to know how much there is.
            is_read = is_read && out.write(&text)?;
        }
    }
    out.flush()?;
    if !args.json && told.count > 0 {
        crate::output::tell!("{}", told.summary());
    }
    Ok(told.answer(code))
}

fn look(path: &Path, files: &Files, options: &LintOptions) -> Result<Vec<Lint>, Failure> {
    files.again();
    let source = files.first(path)?;
    Ok(lint(source, files, options)?)
}

/// What was told already: files can include the same file.
#[derive(Debug, Default)]
struct Told {
    places: HashSet<String>,
    files: HashSet<String>,
    count: usize,
}

impl Told {
    /// Remembers a finding; `false` if it was told.
    fn add(&mut self, lint: &Lint) -> bool {
        let is_new = self.places.insert(lint.to_string());
        if is_new {
            self.files.insert(lint.source_name().to_owned());
            self.count += 1;
        }
        is_new
    }

    /// A mistake weighs more than a finding.
    fn answer(&self, code: ExitCode) -> ExitCode {
        match (code, self.count) {
            (ExitCode::Ok, 1..) => ExitCode::TestsFailed,
            (code, _) => code,
        }
    }

    fn summary(&self) -> String {
        let number = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        format!(
            "{} in {}",
            number(self.count, "warning"),
            number(self.files.len(), "file")
        )
    }
}

fn as_text(lint: &Lint, follows: bool, color: bool) -> String {
    let yellow = console::Style::new().force_styling(color).yellow().bold();
    let report = vthost_report::text::block(&lint.render());
    let rest = report.strip_prefix("warning:").unwrap_or(&report);
    let gap = if follows { "\n" } else { "" };
    format!("{gap}{}{rest}", yellow.apply_to("warning:"))
}

fn as_json(lint: &Lint, screen: bool) -> String {
    let notes: Vec<&str> = lint.notes().collect();
    let object = json!({
        "rule": lint.rule().name(),
        "file": lint.source_name(),
        "line": lint.line(),
        "column": lint.column(),
        "message": lint.message(),
        "notes": notes,
        "help": lint.help(),
    });
    let mut out = String::new();
    format::json(&mut out, &object.to_string(), screen);
    out
}
