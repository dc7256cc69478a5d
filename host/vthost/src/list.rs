//! `vthost list`.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use vthost_job::{Plan, Planned};
use vthost_metadata::{ExitCode, TestKind};
use vthost_provider::Dirs;
use vthost_report::text::line;

use crate::failure::Failure;
use crate::output;
use crate::select::{SelectArgs, plan};
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the full name of each variant, and totals by provider
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) verbose: bool,
    /// Show every parameter of each variant, and where it was set
    #[arg(long, conflicts_with = "json")]
    pub(crate) params: bool,
}

pub(crate) fn main(args: &ListArgs, settings: &Settings, color: bool) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let plan = plan(&args.select.request(&dirs, settings)?, settings)?;
    warn_of_broken(&plan);
    if args.json {
        let mut json = Vec::new();
        for entry in plan.entries() {
            serde_json::to_writer(&mut json, &entry)
                .map_err(|error| Failure::new(ExitCode::JobFailed, error.to_string()))?;
            json.push(b'\n');
        }
        output::print(&json)?;
    } else {
        output::print(people(&plan, args, color).as_bytes())?;
    }
    Ok(ExitCode::Ok)
}

/// Packs that cannot be used are told; what else there is, is listed.
pub(crate) fn warn_of_broken(plan: &Plan) {
    let yellow = console::Style::new().for_stderr().yellow().bold();
    for broken in &plan.broken {
        crate::output::tell!("{} {}", yellow.apply_to("warning:"), line(broken));
    }
}

/// How many variants there are of each kind.
#[derive(Default)]
struct Counts(BTreeMap<TestKind, usize>);

impl Counts {
    fn add(&mut self, test: &Planned) {
        *self.0.entry(test.kind()).or_default() += 1;
    }

    fn total(&self) -> usize {
        self.0.values().sum()
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.total() {
            1 => f.write_str("1 test")?,
            count => write!(f, "{count} tests")?,
        }
        // What is ready needs no word where everything is.
        if self.0.keys().all(|kind| *kind == TestKind::Ready) {
            return Ok(());
        }
        for (at, (kind, count)) in self.0.iter().enumerate() {
            let words = match kind {
                TestKind::Ready => "ready",
                TestKind::Denied => "denied",
                TestKind::Skipped => "to be skipped (skip = yes)",
                TestKind::NoTest => "without a wasm test",
                TestKind::Faulty => "with a mistake in the configuration",
            };
            let before = if at == 0 { ": " } else { ", " };
            write!(f, "{before}{count} {words}")?;
        }
        Ok(())
    }
}

// Writing to a string does not fail.
fn people(plan: &Plan, args: &ListArgs, color: bool) -> String {
    let mut text = String::new();
    let width = plan.tests.iter().map(|test| test.name.len()).max();
    let width = width.unwrap_or(0).min(MAX_WIDTH);
    let dim = console::Style::new().force_styling(color).dim();
    let yellow = console::Style::new().force_styling(color).yellow();
    let mut counts = Counts::default();
    let mut providers: BTreeMap<&str, Counts> = BTreeMap::new();
    for test in &plan.tests {
        counts.add(test);
        providers.entry(&test.provider).or_default().add(test);
        let name = line(&test.name);
        match &test.unported {
            Some(note) => {
                let _ = writeln!(text, "{name:<width$}  {}", yellow.apply_to(line(note)));
            }
            None => {
                let summary = plan.summary(test);
                let _ = writeln!(text, "{name:<width$}  {}", dim.apply_to(line(summary)));
            }
        }
        // What nobody has ported asks for nothing yet.
        let denials = test.denials.iter().filter(|_| test.unported.is_none());
        let denials = denials.map(ToString::to_string);
        for reason in test.fault.iter().cloned().chain(denials) {
            let _ = writeln!(text, "    {}", yellow.apply_to(line(&reason)));
        }
        if args.verbose {
            details(&mut text, plan, test);
        }
        if args.params {
            params(&mut text, test);
        }
    }
    if args.verbose && providers.len() > 1 {
        for (provider, counts) in &providers {
            let _ = writeln!(text, "{}: {counts}", line(provider));
        }
    }
    let _ = writeln!(text, "{counts}");
    text
}

/// Names that are longer do not push everything else to the right.
const MAX_WIDTH: usize = 80;

fn details(text: &mut String, plan: &Plan, test: &Planned) {
    let entry = plan.entry(test);
    let mut tell = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "    {what:<8} {}", line(value));
        }
    };
    tell("variant:", &entry.variant);
    tell("type:", &entry.test_type);
    tell("source:", entry.source.as_deref().unwrap_or_default());
    tell("pack:", entry.pack.as_deref().unwrap_or_default());
    tell("vms:", &entry.vms.join(" "));
    tell("tags:", &entry.tags.join(" "));
    tell("needs:", &entry.needs.join(" "));
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
