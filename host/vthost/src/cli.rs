//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::asset::AssetArgs;
use crate::bootstrap::BootstrapArgs;
use crate::cartesian::CartesianArgs;
use crate::config::ConfigArgs;
use crate::doctor::DoctorArgs;
use crate::guests::{ArchArgs, GuestArgs};
use crate::list::ListArgs;
use crate::pack::PackArgs;
use crate::params::ParamsArgs;
use crate::provider::ProviderArgs;
use crate::select::SelectArgs;

const AFTER_HELP: &str = "\
Exit codes:
  0  all is well
  1  tests failed
  2  wrong use
  3  this machine is not ready
  4  nothing to run
  5  the job itself failed
  8  interrupted

Environment:
  VTHOST_HOME               one directory for all of vthost's files
  VTHOST_LOG                what the host does, as `debug`
  VTHOST_<SECTION>_<KEY>    a setting of vthost.toml, as VTHOST_GUEST_OS
  NO_COLOR, CLICOLOR_FORCE  colours";

const PARAMS_EXAMPLES: &str = "\
Examples:
  vthost params                          every key, by topic
  vthost params image_name               what one key means, and where the shipped configuration sets it
  vthost params mem_vm1                  the key of an object
  vthost params timeout                  keys with that in their name or description
  vthost params --grep huge --phase create
  vthost params --object nic --json      for a program

Exit codes:
  0  keys were shown
  2  wrong use, or no key is like that";

/// Runs virtualization tests as sandboxed WebAssembly components
#[derive(Debug, Parser)]
#[command(name = "vthost", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// When to use colours [default: auto]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,
    /// A vthost.toml that wins over those of the system, the user and the project
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make this machine ready for tests: look for what is needed, and fetch or build guest images
    Bootstrap(BootstrapArgs),
    /// Say whether this machine is ready, and change nothing
    Doctor(DoctorArgs),
    /// Download files that tests need, as guest images and isos
    Asset(AssetArgs),
    /// Show what `run` would run
    List(ListArgs),
    /// Show the guests that the configuration knows, and which of them have an image
    ListGuests(GuestArgs),
    /// Show the architectures of the guests, and the machine types of each
    ListArchs(ArchArgs),
    /// Run tests
    Run(RunArgs),
    /// Make, inspect and sign test packs
    Pack(PackArgs),
    /// Add, show and update where tests come from
    Provider(ProviderArgs),
    /// Expand and examine Cartesian configurations
    #[command(visible_alias = "cfg")]
    Cartesian(CartesianArgs),
    /// Search and explain the parameters that vthost knows
    #[command(after_help = PARAMS_EXAMPLES)]
    Params(ParamsArgs),
    /// Show settings and the configuration set, and where they come from
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Where to put results [default: job-results in vthost's state directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) results: Option<PathBuf>,
    /// Print the events of the job, one JSON object a line, instead of the lines for people
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only what went wrong, and the summary
    #[arg(short, long, conflicts_with_all = ["verbose", "json"])]
    pub(crate) quiet: bool,
    /// Print a line when a test starts, too
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) verbose: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
