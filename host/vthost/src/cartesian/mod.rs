//! `vthost cartesian`: configurations by themselves, without packs.

mod cli;
mod expand;
mod files;
mod format;
mod input;
mod lint;
pub(crate) mod mistake;
mod near;
mod reference;
mod text;
mod why;

use vthost_metadata::ExitCode;

pub(crate) use cli::CartesianArgs;
use cli::CartesianCommand;

use crate::failure::Failure;

pub(crate) fn main(args: &CartesianArgs, color: bool) -> Result<ExitCode, Failure> {
    match &args.command {
        CartesianCommand::Expand(args) => expand::main(args, color),
        CartesianCommand::Why(args) => why::main(args, color),
        CartesianCommand::Lint(args) => lint::main(args, color),
    }
}
