//! `vthost provider list`.

use std::fmt::Write;

use vthost_metadata::ExitCode;
use vthost_provider::{Kind, Providers, State, Status};
use vthost_report::text::line;

use super::{print, say, short, state, warn};
use crate::failure::Failure;
use crate::output;

const HEAD: [&str; 7] = [
    "NAME",
    "KIND",
    "COMMIT",
    "BRANCH/REF",
    "SIGNED",
    "BACKENDS",
    "STATE",
];

pub(crate) fn main(providers: &Providers, json: bool, color: bool) -> Result<ExitCode, Failure> {
    let statuses = providers.statuses();
    if json {
        print(&statuses)?;
        return Ok(ExitCode::Ok);
    }
    if statuses.is_empty() {
        say(
            "Nothing",
            "is defined; `vthost provider add URI` adds a provider",
        );
        return Ok(ExitCode::Ok);
    }
    output::print(table(&statuses, color).as_bytes())?;
    for status in &statuses {
        for warning in &status.warnings {
            warn(&format!("{}: {warning}", status.name));
        }
    }
    Ok(ExitCode::Ok)
}

fn table(statuses: &[Status], color: bool) -> String {
    let rows: Vec<[String; 7]> = statuses.iter().map(row).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].len())
                .chain([HEAD[at].len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let padded = |cells: [&str; 7]| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let style = console::Style::new().force_styling(color);
    let mut text = format!("{}\n", style.clone().bold().apply_to(padded(HEAD)));
    let yellow = style.yellow();
    // Writing to a string does not fail.
    for (status, row) in statuses.iter().zip(&rows) {
        let _ = writeln!(text, "{}", padded(row.each_ref().map(String::as_str)));
        if let Some(reason) = &status.reason {
            let _ = writeln!(text, "    {}", yellow.apply_to(line(reason)));
        }
    }
    text
}

fn row(status: &Status) -> [String; 7] {
    let none = || "-".to_owned();
    let text = |text: Option<&String>| text.map_or_else(none, |text| line(text));
    let backends: Vec<&str> = status
        .backends
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let signed = match (status.state, status.kind, &status.signed_by) {
        (State::Ready, Some(Kind::Git), Some(_)) => "yes",
        (State::Ready, Some(Kind::Git), None) => "no",
        _ => "-",
    };
    [
        line(&status.name),
        status
            .kind
            .map_or_else(none, |kind| super::kind(kind).to_owned()),
        status
            .commit
            .as_deref()
            .map_or_else(none, |commit| short(commit).to_owned()),
        text(status.reference.as_ref().or(status.branch.as_ref())),
        signed.to_owned(),
        match backends.is_empty() {
            true => none(),
            false => line(&backends.join(",")),
        },
        state(status.state).to_owned(),
    ]
}
