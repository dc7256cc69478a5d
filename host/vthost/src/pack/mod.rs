//! `vthost pack`.

mod build;
mod cli;
mod extract;
mod inspect;
mod new;
mod sign;

use vthost_metadata::ExitCode;

pub(crate) use cli::PackArgs;
use cli::PackCommand;

use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) fn main(args: PackArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    match args.command {
        PackCommand::New(args) => new::main(&args),
        PackCommand::Build(args) => build::main(&args),
        PackCommand::Inspect(args) => inspect::main(&args, settings),
        PackCommand::Extract(args) => extract::main(&args),
        PackCommand::Sign(args) => sign::main(&args),
        PackCommand::Verify(args) => sign::verify(&args, settings),
    }
}
