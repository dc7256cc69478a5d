//! `vthost list`.

use std::fmt::Write;

use vthost_job::{Plan, Planned};
use vthost_metadata::{ExitCode, ListEntry};
use vthost_report::text::line;

use crate::cli::ListArgs;
use crate::failure::Failure;
use crate::output;

/// What is told when filters select nothing together, although each of them alone selects something.
pub(crate) const NOTHING: &str =
    "no variant passes all of these filters; `vthost list` with fewer of them shows what there is";

pub(crate) fn main(args: &ListArgs, color: bool) -> Result<ExitCode, Failure> {
    let plan = Plan::new(&args.select.request()?)?;
    if plan.tests.is_empty() {
        return Err(Failure::new(ExitCode::NothingToRun, NOTHING));
    }
    let mut text = String::new();
    if args.json {
        for entry in plan.entries() {
            let json = serde_json::to_string(&entry)
                .map_err(|error| Failure::new(ExitCode::JobFailed, error.to_string()))?;
            text.push_str(&json);
            text.push('\n');
        }
    } else {
        people(&mut text, &plan, args, color);
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

// Writing to a string does not fail.
fn people(text: &mut String, plan: &Plan, args: &ListArgs, color: bool) {
    let entries: Vec<_> = plan.entries().collect();
    let width = entries
        .iter()
        .map(|entry| entry.name.len())
        .max()
        .unwrap_or(0);
    let dim = console::Style::new().force_styling(color).dim();
    let yellow = console::Style::new().force_styling(color).yellow();
    for (entry, planned) in entries.iter().zip(&plan.tests) {
        let summary = dim.apply_to(line(&entry.summary));
        let _ = writeln!(text, "{:<width$}  {summary}", line(&entry.name));
        let denials = planned.denials.iter().map(ToString::to_string);
        for reason in planned.fault.iter().cloned().chain(denials) {
            let _ = writeln!(text, "    {}", yellow.apply_to(line(&reason)));
        }
        if args.verbose {
            details(text, entry);
        }
        if args.params {
            params(text, planned);
        }
    }
    let denied = plan
        .tests
        .iter()
        .filter(|test| !test.denials.is_empty())
        .count();
    let faulty = plan
        .tests
        .iter()
        .filter(|test| test.fault.is_some())
        .count();
    let mut summary = match entries.len() {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    };
    if denied > 0 {
        let _ = write!(summary, ", {denied} denied");
    }
    if faulty > 0 {
        let _ = write!(summary, ", {faulty} with a mistake in the configuration");
    }
    let _ = writeln!(text, "{summary}");
}

fn details(text: &mut String, entry: &ListEntry) {
    let _ = writeln!(text, "    variant: {}", line(&entry.variant));
    let _ = writeln!(text, "    type:    {}", line(&entry.test_type));
    if !entry.vms.is_empty() {
        let _ = writeln!(text, "    vms:     {}", line(&entry.vms.join(" ")));
    }
    if !entry.tags.is_empty() {
        let _ = writeln!(text, "    tags:    {}", line(&entry.tags.join(" ")));
    }
}

fn params(text: &mut String, planned: &Planned) {
    let params = planned.params();
    for (key, value) in params.iter() {
        let _ = write!(text, "    {}", line(&format!("{key} = {value}")));
        if let Some(origin) = params.origin(&key) {
            let _ = write!(text, "    # {}", line(&origin.to_string()));
        }
        text.push('\n');
    }
}
