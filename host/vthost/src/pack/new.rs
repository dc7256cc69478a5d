//! `vthost pack new`.

use std::path::{Path, PathBuf};

use vthost_cartesian::{did_you_mean, nearest};
use vthost_metadata::ExitCode;
use vthost_provider::pack::{Sdk, write_template};

use super::cli::NewArgs;
use crate::failure::Failure;
use crate::output::say;

/// The languages that there is a template for.
const LANGUAGES: [&str; 1] = ["rust"];

pub(super) fn main(args: &NewArgs) -> Result<ExitCode, Failure> {
    if !LANGUAGES.contains(&args.lang.as_str()) {
        let mut text = format!("there is no template for the language `{}`", args.lang);
        text += &match did_you_mean(&nearest(&args.lang, LANGUAGES)) {
            Some(near) => format!("; {near}"),
            None => format!(
                "; there is one for {}. A component of any language becomes a pack by `vthost pack build`",
                LANGUAGES.join(", ")
            ),
        };
        return Err(Failure::new(ExitCode::Usage, text));
    }
    let sdk = sdk(args.sdk.as_deref())?;
    let dir = args
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(&args.name));
    write_template(&args.name, &sdk, &dir)?;
    say(
        "Created",
        &format!("the pack {} in {}", args.name, dir.display()),
    );
    match &sdk {
        Sdk::Path(path) => say("Using", &format!("the SDK in {}", path.display())),
        Sdk::Git(url) => say("Using", &format!("the SDK from {url}")),
    }
    say("Next", &format!("vthost pack build {}", dir.display()));
    Ok(ExitCode::Ok)
}

/// The SDK: of the clone that was named, of the one that this program was built in, or of vthost's repository.
fn sdk(named: Option<&Path>) -> Result<Sdk, Failure> {
    if let Some(named) = named {
        return sdk_in(named).map(Sdk::Path).ok_or_else(|| {
            let text = format!(
                "there is no SDK in {}; name the directory of a clone of vthost",
                named.display()
            );
            Failure::new(ExitCode::Usage, text)
        });
    }
    let exe = std::env::current_exe().unwrap_or_default();
    let near = exe.ancestors().skip(1).find_map(sdk_in);
    Ok(near.map_or_else(
        || Sdk::Git(env!("CARGO_PKG_REPOSITORY").to_owned()),
        Sdk::Path,
    ))
}

/// The SDK of a clone, or a directory that is the SDK itself.
fn sdk_in(dir: &Path) -> Option<PathBuf> {
    let is_sdk = |dir: &PathBuf| {
        std::fs::read_to_string(dir.join("Cargo.toml"))
            .is_ok_and(|text| text.contains("name = \"vthost-sdk\""))
    };
    [dir.join("sdk-rust"), dir.to_owned()]
        .into_iter()
        .find(is_sdk)?
        .canonicalize()
        .ok()
}
