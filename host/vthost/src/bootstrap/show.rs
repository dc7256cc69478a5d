//! What people see of a bootstrap, on standard error.

use console::Style;
use vthost_metadata::{ExitCode, ReadinessItem, ReadinessState, ReadinessStep};
use vthost_provider::bootstrap::{BootstrapEvent, Manager, Progress};
use vthost_report::text;

use crate::asset::Bar;
use crate::failure::Failure;
use crate::output::say;

/// The step that looks at nothing, and says where to go on.
const NEXT: u8 = 8;

/// Shows events as they come.
pub(super) struct Show {
    verbose: bool,
    bar: Option<Bar>,
    step: u8,
}

impl Show {
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            bar: None,
            step: 0,
        }
    }

    pub(super) fn event(&mut self, event: BootstrapEvent<'_>) {
        match event {
            BootstrapEvent::Begun { number, title } => {
                self.step = number;
                let bold = Style::new().for_stderr().bold();
                crate::output::tell!("{}", bold.apply_to(format!("{number} - {title}")));
            }
            BootstrapEvent::Building(progress) => building(progress, self.verbose),
            BootstrapEvent::Fetching(asset, event) => self
                .bar
                .get_or_insert_with(|| Bar::new(&asset.name))
                .event(event),
            BootstrapEvent::Found(item) => {
                self.bar = None;
                match self.step {
                    NEXT => say(
                        "Try",
                        &text::line(&format!("{} ({})", item.name, item.detail)),
                    ),
                    _ => found(item),
                }
            }
            BootstrapEvent::Finished(_) => {}
        }
    }
}

fn building(progress: Progress<'_>, verbose: bool) {
    match progress {
        Progress::Waiting(holder) => say(
            "Waiting",
            &text::line(&format!("for {holder}, which builds the same image")),
        ),
        Progress::Fresh(what) => say("Fresh", what),
        Progress::Started(what) => say("Building", &format!("{what} (about a minute and a half)")),
        Progress::Output(line) if verbose => crate::output::tell!("{}", text::line(line)),
        Progress::Output(line) => {
            // The recipe's own words are its progress; the tools it calls say too much.
            if let Some(step) = line.strip_prefix("jeos: ") {
                say("", &text::line(step));
            }
        }
        Progress::Finished(what, took) => say(
            "Finished",
            &format!("{what} in {:.0} s", took.as_secs_f64()),
        ),
    }
}

fn found(item: &ReadinessItem) {
    let style = Style::new().for_stderr().bold();
    let (word, style) = match item.state {
        ReadinessState::Ok => ("OK", style.green()),
        ReadinessState::Changed => ("Changed", style.green()),
        ReadinessState::Skipped => ("Skipped", style.yellow()),
        ReadinessState::Missing if item.mandatory => ("Missing", style.red()),
        ReadinessState::Missing => ("Missing", style.yellow()),
    };
    let name = text::line(&item.name);
    let mut lines = text::block(&item.detail)
        .lines()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let first = match lines.is_empty() {
        true => name,
        false => format!("{name}: {}", lines.remove(0)),
    };
    crate::output::tell!("{} {first}", style.apply_to(format!("{word:>12}")));
    if item.state == ReadinessState::Missing {
        let packages = item.packages.as_ref().map(|packages| {
            let named = |manager: &str, package: &Option<String>| {
                Some(format!("{} ({manager})", package.as_ref()?))
            };
            let named = [named("apt", &packages.apt), named("dnf", &packages.dnf)];
            match named.into_iter().flatten().collect::<Vec<_>>() {
                named if named.is_empty() => "no package of a distribution has it".to_owned(),
                named => format!("package {}", named.join(", ")),
            }
        });
        lines.extend(packages);
    }
    lines.extend(item.advice.as_deref().map(text::line));
    for line in lines {
        crate::output::tell!("{:>12} {line}", "");
    }
}

/// The last word: what is missing, all at once, and how to get it.
pub(super) fn summary(steps: &[ReadinessStep]) -> Result<ExitCode, Failure> {
    let items = || steps.iter().flat_map(|step| &step.items);
    let missing = |mandatory: bool| {
        items().filter(move |item| {
            item.state == ReadinessState::Missing && item.mandatory == mandatory
        })
    };
    install("needed", missing(true));
    install("recommended", missing(false));
    let names: Vec<_> = missing(true).map(|item| text::line(&item.name)).collect();
    if names.is_empty() {
        let skipped = items().any(|item| item.state == ReadinessState::Skipped && item.mandatory);
        say(
            "Ready",
            match skipped {
                true => "this machine can run tests once what was skipped is there",
                false => "this machine can run tests",
            },
        );
        return Ok(ExitCode::Ok);
    }
    Err(Failure::new(
        ExitCode::NotReady,
        format!("this machine is not ready; missing: {}", names.join(", ")),
    ))
}

/// One command that installs everything that comes in packages.
fn install<'a>(what: &str, items: impl Iterator<Item = &'a ReadinessItem>) {
    let Some(manager) = Manager::of_this_machine() else {
        return;
    };
    let mut packages: Vec<String> = items
        .filter_map(|item| manager.package(item.packages.as_ref()?))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    packages.sort();
    packages.dedup();
    if !packages.is_empty() {
        let command = manager.install(&packages);
        say("Install", &format!("what is {what}, as root: {command}"));
    }
}
