//! `vthost pack extract`.

use vthost_metadata::ExitCode;
use vthost_provider::Pack;
use vthost_provider::pack::extract;

use super::cli::ExtractArgs;
use crate::failure::Failure;
use crate::output::say;

pub(super) fn main(args: &ExtractArgs) -> Result<ExitCode, Failure> {
    let pack = Pack::open(&args.pack)?;
    extract(&pack, &args.dir, args.component)?;
    let text = format!("{} to {}", pack.manifest.name, args.dir.display());
    say("Extracted", &text);
    Ok(ExitCode::Ok)
}
