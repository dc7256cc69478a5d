//! The command line of `vthost bootstrap`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use vthost_provider::bootstrap::TYPES;

/// What a machine is to be ready for.
#[derive(Debug, Args)]
pub(crate) struct ReadyArgs {
    /// The type of tests to be ready for [default: qemu]
    #[arg(long, value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES))]
    pub(crate) vt_type: Option<String>,
    /// The guest whose image is wanted, as an `only` filter; `vthost list-guests` shows them [default: JeOS.12]
    #[arg(long, alias = "vt-guest-os", value_name = "FILTER")]
    pub(crate) guest_os: Option<String>,
    /// Print one JSON object a step, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    #[command(flatten)]
    pub(crate) ready: ReadyArgs,
    /// Download without asking. Without a terminal nothing is asked anyway
    #[arg(short, long, alias = "yes-to-all")]
    pub(crate) yes: bool,
    /// Download nothing and build no image
    #[arg(long, alias = "vt-no-downloads")]
    pub(crate) no_downloads: bool,
    /// Look for new commits of all providers, and not only for providers that are not there
    #[arg(long, alias = "vt-update-providers")]
    pub(crate) update_providers: bool,
    /// Build or download the guest image even if it is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Show everything that the build of an image prints
    #[arg(short, long)]
    pub(crate) verbose: bool,
}
