//! `vthost`: runs virtualization tests as sandboxed WebAssembly components.
//!
//! This binary reads flags, wires the crates together, and answers with an exit code; it decides nothing else.

// It panics when nobody reads standard error: `output::tell!` does not.
#![deny(clippy::print_stderr)]

mod allocator;
mod asset;
mod bootstrap;
mod cartesian;
mod cli;
mod config;
mod doctor;
mod failure;
mod guests;
mod list;
mod output;
mod pack;
mod params;
mod provider;
mod run;
mod select;
mod settings;
mod sources;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use failure::Failure;
use settings::{Places, Settings};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match log().and_then(|()| dispatch(cli)) {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.print();
            failure.code().into()
        }
    }
}

/// Shows what the host does, if `VTHOST_LOG` asks for it: `debug` for vthost itself, or a filter of the form
/// `vthost_qemu=trace,russh=info`.
fn log() -> Result<(), Failure> {
    let Some(wanted) = std::env::var_os("VTHOST_LOG").filter(|wanted| !wanted.is_empty()) else {
        return Ok(());
    };
    let wanted = wanted.to_string_lossy();
    let directives = match wanted.parse::<tracing::Level>() {
        Ok(level) => format!("vthost={level}"),
        Err(_) => wanted.clone().into_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::try_new(directives).map_err(|error| {
        let text = format!("VTHOST_LOG is `{wanted}`, which is no filter: {error}");
        Failure::new(vthost_metadata::ExitCode::Usage, text)
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// The settings of this run. Commands that help to put them right do without if they must.
fn settings(cli: &Cli, places: &Places) -> Result<Settings, Failure> {
    let mut settings = match &cli.command {
        Command::Completions { .. } => Settings::built_in(),
        Command::Config(args) if !config::needs_settings(args) => {
            Settings::load(places, std::env::vars_os()).unwrap_or_else(|_| Settings::built_in())
        }
        _ => Settings::load(places, std::env::vars_os())?,
    };
    for warning in &settings.warnings {
        let yellow = console::Style::new().for_stderr().yellow().bold();
        crate::output::tell!(
            "{} {}",
            yellow.apply_to("warning:"),
            vthost_report::text::line(warning)
        );
    }
    if let Some(color) = cli.color {
        settings.set_color(color);
    }
    Ok(settings)
}

fn dispatch(cli: Cli) -> Result<vthost_metadata::ExitCode, Failure> {
    // A mistake in the settings is told in the colours that the flag wants.
    output::color(cli.color.unwrap_or_default());
    let places = Places::from_env(cli.config.as_deref())?;
    let settings = settings(&cli, &places)?;
    let color = output::color(settings.color());
    match cli.command {
        Command::Bootstrap(args) => bootstrap::main(&args, &settings),
        Command::Doctor(args) => doctor::main(&args, &settings),
        Command::Asset(args) => asset::main(&args),
        Command::List(args) => list::main(&args, &settings, color),
        Command::ListGuests(args) => guests::list_guests(&args, &settings, color),
        Command::ListArchs(args) => guests::list_archs(&args, &settings),
        Command::Run(args) => run::main(&args, &settings, color),
        Command::Pack(args) => pack::main(args, &settings),
        Command::Provider(args) => provider::main(args, color),
        Command::Cartesian(args) => cartesian::main(&args, color),
        Command::Params(args) => params::main(&args, color),
        Command::Config(args) => config::main(&args, &settings, &places, color),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "vthost", &mut script);
            output::print(&script)?;
            Ok(vthost_metadata::ExitCode::Ok)
        }
    }
}
