//! `vthost provider`.

mod cli;
mod list;
mod porting;
mod show;

use serde_json::{Value, json};
use vthost_metadata::ExitCode;
use vthost_provider::{Dirs, Kind, NewProvider, ProviderError, Providers, State, Verified};
use vthost_report::text::line;

use crate::failure::Failure;
use crate::output;
use cli::{AddArgs, ProviderCommand, UpdateArgs};

pub(crate) use cli::ProviderArgs;

/// How many digits of a commit are shown to people.
const SHORT: usize = 12;

pub(crate) fn main(args: ProviderArgs, color: bool) -> Result<ExitCode, Failure> {
    let dirs = Dirs::from_env()?;
    let mut providers = Providers::open(&dirs)?;
    match args.command {
        ProviderCommand::Add(args) => add(&mut providers, args),
        ProviderCommand::List { json } => list::main(&providers, json, color),
        ProviderCommand::Show(args) => show::main(&providers, &dirs, &args),
        ProviderCommand::Update(args) => update(&mut providers, &args),
        ProviderCommand::Remove { name, json } => remove(&mut providers, &name, json),
        ProviderCommand::Verify { names, json } => verify(&providers, names, json),
    }
}

fn add(providers: &mut Providers, args: AddArgs) -> Result<ExitCode, Failure> {
    say("Adding", &args.from);
    let status = providers.add(&NewProvider {
        from: args.from,
        name: args.name,
        branch: args.branch,
        reference: args.reference,
        pubkey: args.pubkey,
        backends: args.backends,
    })?;
    for warning in &status.warnings {
        warn(warning);
    }
    let backends: Vec<&str> = status.backends.iter().map(|one| &*one.name).collect();
    let backends = backends.join(", ");
    let at = status.commit.as_deref().map(short);
    let at = at.map_or_else(String::new, |commit| format!(" at {commit}"));
    say("Added", &format!("{}{at} ({backends})", status.name));
    match args.json {
        true => print(&status)?,
        false => output::print(format!("{}\n", line(&status.name)).as_bytes())?,
    }
    Ok(ExitCode::Ok)
}

fn update(providers: &mut Providers, args: &UpdateArgs) -> Result<ExitCode, Failure> {
    let names = chosen(providers, args.names.clone())?;
    let mut told = Told::default();
    let mut outdated = false;
    for name in names {
        if args.check {
            let checked = providers.check(&name);
            let known = told.take(&name, checked, |check| {
                let commit =
                    |commit: &Option<String>| commit.as_deref().map_or("nothing", short).to_owned();
                match check.outdated {
                    true => say(
                        "Outdated",
                        &format!(
                            "{name}: {} -> {}",
                            commit(&check.current),
                            commit(&check.available)
                        ),
                    ),
                    false => say("Fresh", &name),
                }
            })?;
            outdated |= known.is_some_and(|check| check.outdated);
            continue;
        }
        let updated = providers.update(&name);
        told.take(&name, updated, |update| match (&update.from, &update.to) {
            (_, None) => say("Fresh", &format!("{name} (used where it is)")),
            (Some(from), Some(to)) if from == to => say("Fresh", &format!("{name} {}", short(to))),
            (Some(from), Some(to)) => say(
                "Updated",
                &format!("{name} {} -> {}", short(from), short(to)),
            ),
            (None, Some(to)) => say("Fetched", &format!("{name} {}", short(to))),
        })?;
    }
    told.end(
        args.json,
        if outdated {
            ExitCode::TestsFailed
        } else {
            ExitCode::Ok
        },
    )
}

fn remove(providers: &mut Providers, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let other = providers.remove(name)?;
    say("Removed", name);
    if let Some(path) = &other {
        warn(&format!("now {} defines {name}", path.display()));
    }
    if json {
        print(&json!({ "name": name, "defined_by": other }))?;
    }
    Ok(ExitCode::Ok)
}

fn verify(providers: &Providers, names: Vec<String>, json: bool) -> Result<ExitCode, Failure> {
    let mut told = Told::default();
    for name in chosen(providers, names)? {
        let verified = providers.verify(&name);
        told.take(&name, verified, |one| match &one.verified {
            Verified::Signature { commit, signed_by } => say(
                "Verified",
                &format!("{name} {}, signed by {signed_by}", short(commit)),
            ),
            Verified::Commit { commit } => {
                say(
                    "Verified",
                    &format!("{name} {}, no signature demanded", short(commit)),
                );
            }
            Verified::InPlace => say("Skipped", &format!("{name}, used where it is")),
        })?;
    }
    told.end(json, ExitCode::Ok)
}

/// What became of several providers: one that fails hides no other. The first failure decides the exit code.
#[derive(Default)]
struct Told {
    values: Vec<Value>,
    failed: Option<ExitCode>,
}

impl Told {
    fn take<T: serde::Serialize>(
        &mut self,
        name: &str,
        result: Result<T, ProviderError>,
        say: impl FnOnce(&T),
    ) -> Result<Option<T>, Failure> {
        match result {
            Ok(done) => {
                say(&done);
                self.values.push(value(&done)?);
                Ok(Some(done))
            }
            Err(error) => {
                let failure = Failure::from(error);
                self.values
                    .push(json!({ "name": name, "error": failure.line() }));
                failure.print();
                self.failed.get_or_insert(failure.code());
                Ok(None)
            }
        }
    }

    fn end(self, json: bool, good: ExitCode) -> Result<ExitCode, Failure> {
        if json {
            print(&self.values)?;
        }
        Ok(self.failed.unwrap_or(good))
    }
}

/// The providers that are named, or all.
fn chosen(providers: &Providers, names: Vec<String>) -> Result<Vec<String>, Failure> {
    if names.is_empty() {
        return Ok(providers.names().map(str::to_owned).collect());
    }
    for name in &names {
        providers.status(name)?;
    }
    Ok(names)
}

fn value(data: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(data).map_err(|error| Failure::new(ExitCode::JobFailed, error.to_string()))
}

/// Prints JSON to standard output.
fn print(data: &impl serde::Serialize) -> Result<(), Failure> {
    output::print(format!("{:#}\n", value(data)?).as_bytes())
}

/// A line in the manner of cargo.
fn say(verb: &str, text: &str) {
    let green = console::Style::new().for_stderr().green().bold();
    crate::output::tell!("{} {}", green.apply_to(format!("{verb:>12}")), line(text));
}

fn warn(text: &str) {
    let yellow = console::Style::new().for_stderr().yellow().bold();
    crate::output::tell!("{} {}", yellow.apply_to("warning:"), line(text));
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// A state as a list shows it.
fn state(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::NotFetched => "not fetched",
        State::Changed => "changed",
        State::Broken => "broken",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::Git => "git",
        Kind::Pack => "pack",
    }
}
