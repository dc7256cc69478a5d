//! The providers of a command.

use std::path::Path;

use vthost_metadata::ExitCode;
use vthost_provider::bootstrap::TYPES;
use vthost_provider::{Dirs, Provider, Providers};
use vthost_report::text::line;

use crate::failure::Failure;
use crate::settings::Settings;

/// What is told when there is nothing to take tests from.
const NO_PROVIDER: &str = "no provider is installed; add one with `vthost provider add URI`, or name a pack with --provider PACK.wasm";

/// The providers that are asked for: packs and directories by their paths, installed ones by their names. Without any,
/// those of the settings; without these, every installed one.
pub(crate) fn open(
    asked: &[String],
    dirs: &Dirs,
    settings: &Settings,
) -> Result<Vec<Provider>, Failure> {
    if !asked.is_empty() {
        return asked.iter().map(|asked| one(asked, dirs)).collect();
    }
    let wanted = settings.providers();
    if wanted.is_empty() {
        return installed(dirs);
    }
    // Installed ones only: what lies in a directory is nothing that the file of a project may choose.
    let installed = Providers::open(dirs)?;
    wanted
        .iter()
        .map(|name| Ok(installed.get(name)?))
        .collect::<Result<_, Failure>>()
        .map_err(|failure| match settings.get("providers.use") {
            Some(set) => failure.with_cause(format!("`providers.use` says so: {}", set.origin)),
            None => failure,
        })
}

/// The same for what does without providers, too.
pub(crate) fn open_some(
    asked: &[String],
    dirs: &Dirs,
    settings: &Settings,
) -> Result<Vec<Provider>, Failure> {
    let none = asked.is_empty()
        && settings.providers().is_empty()
        && Providers::open(dirs)?.names().next().is_none();
    match none {
        true => Ok(Vec::new()),
        false => open(asked, dirs, settings),
    }
}

/// Those that cannot be used are told, and hide no other.
fn installed(dirs: &Dirs) -> Result<Vec<Provider>, Failure> {
    let mut usable = Vec::new();
    let mut broken = Vec::new();
    for provider in Providers::load(dirs) {
        match provider {
            Ok(provider) => usable.push(provider),
            Err(error) => broken.push(Failure::from(error)),
        }
    }
    if usable.is_empty() {
        return Err(match broken.pop() {
            None => Failure::new(ExitCode::NothingToRun, NO_PROVIDER),
            Some(last) => {
                broken.iter().for_each(Failure::warn);
                last
            }
        });
    }
    broken.iter().for_each(Failure::warn);
    Ok(usable)
}

fn one(asked: &str, dirs: &Dirs) -> Result<Provider, Failure> {
    let path = Path::new(asked);
    let is_path = asked.contains('/') || path.extension().is_some_and(|ending| ending == "wasm");
    if path.is_dir() {
        return Ok(Provider::open_dir(path)?);
    }
    if is_path || path.is_file() {
        return Ok(Provider::open_pack(path)?);
    }
    Ok(Providers::open(dirs)?.get(asked)?)
}

/// The type of tests that is asked for, or that of the settings.
pub(crate) fn backend(asked: Option<&str>, settings: &Settings) -> Result<String, Failure> {
    let Some(name) = asked else {
        return Ok(settings.vt_type());
    };
    if TYPES.contains(&name) {
        return Ok(name.to_owned());
    }
    let near = vthost_cartesian::nearest(name, TYPES.iter().copied());
    let hint = vthost_cartesian::did_you_mean(&near)
        .map_or_else(String::new, |question| format!("; {question}"));
    let text = format!(
        "there is no type of tests `{}`{hint}; there are {}",
        line(name),
        TYPES.join(", ")
    );
    Err(Failure::new(ExitCode::Usage, text))
}
