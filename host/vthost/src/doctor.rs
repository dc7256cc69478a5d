//! `vthost doctor`: the part of bootstrap that changes nothing.

use clap::Args;
use vthost_metadata::ExitCode;
use vthost_provider::bootstrap::BootstrapOptions;

use crate::bootstrap::{ReadyArgs, take};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    ready: ReadyArgs,
}

pub(crate) fn main(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let options = BootstrapOptions {
        vt_type: args.ready.vt_type.clone(),
        downloads: false,
        update_providers: false,
        force: false,
        look: true,
    };
    take(&args.ready, &options, false, &|_| false)
}
