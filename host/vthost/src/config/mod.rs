//! `vthost config`: the settings and the configuration set, and where they come from.

mod init;
mod path;
mod set;
mod show;

use std::path::PathBuf;

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
    /// Show the settings that are in force, or a file of the configuration set
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Write all files of the configuration set to a directory
    #[command(after_help = DUMP_EXAMPLES)]
    Dump(DumpArgs),
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
  vthost config show --files             the files of the configuration set, and whose each is
  vthost config show guest-hw.cfg        one of them, as it is parsed

Exit codes:
  0  it was shown; a setting without a value is an empty line
  2  there is no such setting or file, or a mistake in a file or in the environment";

const DUMP_EXAMPLES: &str = "\
Examples:
  vthost config dump set                              with the tests of all installed providers
  vthost config dump set --provider tp-qemu.wasm      with those of a pack
  vthost cartesian expand set/tests.cfg 'only boot'   what the set expands to

Exit codes:
  0  it was written
  2  the directory is not empty, or a file of the set cannot be read
  5  the directory cannot be written";

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A setting as `guest.os`, a section as `machine`, or a file of the configuration set as `tests.cfg` [default: all
    /// settings]
    #[arg(value_name = "KEY|FILE.cfg")]
    pub(crate) key: Option<String>,
    /// Show where each value was set, too
    #[arg(long, conflicts_with = "files")]
    pub(crate) origin: bool,
    /// List the files of the configuration set: shipped ones, ones that are made for each command, and yours
    #[arg(long, conflicts_with = "key")]
    pub(crate) files: bool,
    /// Print one JSON value: settings with their values and origins, or the files
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    /// The directory to write: empty, or not there yet
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) set: SetArgs,
}

/// Which configuration set.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Where the tests of `subtests.cfg` come from: a pack, a directory laid out as a provider, or the name of an installed
    /// provider; repeat it for more [default: every installed provider]
    #[arg(short, long = "provider", value_name = "PROVIDER")]
    pub(crate) providers: Vec<String>,
    /// The type of tests in `subtests.cfg` [default: qemu]
    #[arg(long, value_name = "TYPE")]
    pub(crate) vt_type: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What needs no settings works when they are wrong, so that they can be put right.
pub(crate) fn needs_settings(args: &ConfigArgs) -> bool {
    matches!(
        args.command,
        ConfigCommand::Show(_) | ConfigCommand::Dump(_)
    )
}

pub(crate) fn main(
    args: &ConfigArgs,
    settings: &Settings,
    places: &Places,
    color: bool,
) -> Result<ExitCode, Failure> {
    match &args.command {
        ConfigCommand::Show(args) if args.files => set::list(&args.set, settings, args.json),
        ConfigCommand::Show(args) => match args.key.as_deref() {
            Some(file) if file.ends_with(".cfg") => set::show(file, &args.set, settings),
            _ => show::main(args, settings, color),
        },
        ConfigCommand::Dump(args) => set::dump(args, settings),
        ConfigCommand::Path(args) => path::main(args, settings, places),
        ConfigCommand::Init => init::main(places),
    }
}
