//! `vthost`: runs virtualization tests as sandboxed WebAssembly components.
//!
//! This binary reads flags, wires the crates together, and answers with an exit code; it decides nothing else.

mod allocator;
mod asset;
mod bootstrap;
mod cartesian;
mod cli;
mod doctor;
mod failure;
mod guests;
mod list;
mod output;
mod pack;
mod provider;
mod run;
mod select;
mod sources;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use failure::Failure;

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

fn dispatch(cli: Cli) -> Result<vthost_metadata::ExitCode, Failure> {
    let color = output::color(cli.color);
    match cli.command {
        Command::Bootstrap(args) => bootstrap::main(&args),
        Command::Doctor(args) => doctor::main(&args),
        Command::Asset(args) => asset::main(&args),
        Command::List(args) => list::main(&args, color),
        Command::ListGuests(args) => guests::list_guests(&args, color),
        Command::ListArchs(args) => guests::list_archs(&args),
        Command::Run(args) => run::main(&args, color),
        Command::Pack(args) => pack::main(args),
        Command::Provider(args) => provider::main(args, color),
        Command::Cartesian(args) => cartesian::main(&args, color),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "vthost", &mut script);
            output::print(&script)?;
            Ok(vthost_metadata::ExitCode::Ok)
        }
    }
}
