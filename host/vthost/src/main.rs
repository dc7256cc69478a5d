//! `vthost`: runs virtualization tests as sandboxed WebAssembly components.
//!
//! This binary reads flags, wires the crates together, and answers with an exit code; it decides nothing else.

mod bootstrap;
mod cli;
mod failure;
mod list;
mod output;
mod pack;
mod run;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("VTHOST_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
    match dispatch(cli) {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.print();
            failure.code().into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<vthost_metadata::ExitCode, Failure> {
    let color = output::color(cli.color);
    match cli.command {
        Command::Bootstrap(args) => bootstrap::main(&args),
        Command::List(args) => list::main(&args, color),
        Command::Run(args) => run::main(&args, color),
        Command::Pack(args) => pack::main(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "vthost", &mut script);
            output::print(&script)?;
            Ok(vthost_metadata::ExitCode::Ok)
        }
    }
}
