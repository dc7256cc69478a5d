//! `vthost config`: the settings, and where they come from.

mod init;
mod path;
mod show;

use clap::{Args, Subcommand};
use vthost_metadata::ExitCode;

use crate::failure::Failure;
use crate::settings::{Places, Settings};

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings that are in force
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Show where settings, configuration and data are looked for
    Path(PathArgs),
    /// Write a vthost.toml with every setting, commented out, for this user
    Init,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  vthost config show                     all settings, as TOML
  vthost config show --origin            with the place that set each
  vthost config show machine             of one section
  vthost config show guest.os            one value, for a script
  vthost config show --json              for a program

Exit codes:
  0  it was shown; a setting without a value is an empty line
  2  there is no such setting, or a mistake in a file or in the environment";

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A setting as `guest.os`, or a section as `machine` [default: all]
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Show where each value was set, too
    #[arg(long)]
    pub(crate) origin: bool,
    /// Print one JSON object: each setting with its value and its origin
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What needs no settings works when they are wrong, so that they can be put right.
pub(crate) fn needs_settings(args: &ConfigArgs) -> bool {
    matches!(args.command, ConfigCommand::Show(_))
}

pub(crate) fn main(
    args: &ConfigArgs,
    settings: &Settings,
    places: &Places,
    color: bool,
) -> Result<ExitCode, Failure> {
    match &args.command {
        ConfigCommand::Show(args) => show::main(args, settings, color),
        ConfigCommand::Path(args) => path::main(args, places),
        ConfigCommand::Init => init::main(places),
    }
}
