//! `vthost doctor`: the part of bootstrap that changes nothing.

use clap::Args;
use vthost_metadata::ExitCode;
use vthost_provider::bootstrap::BootstrapOptions;

use crate::bootstrap::{ReadyArgs, take};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sources;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    ready: ReadyArgs,
}

pub(crate) fn main(args: &DoctorArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let options = BootstrapOptions {
        vt_type: sources::backend(args.ready.vt_type.as_deref(), settings)?,
        downloads: false,
        update_providers: false,
        force: false,
        look: true,
    };
    take(&args.ready, settings, &options, false, &|_| false)
}
