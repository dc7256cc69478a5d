//! The providers of a command.

use std::path::Path;

use vthost_metadata::ExitCode;
use vthost_provider::{BACKENDS, Dirs, Provider};

use crate::failure::Failure;

/// The providers that are asked for: packs and directories by their paths, installed ones by their names. Without any,
/// every installed one.
pub(crate) fn open(asked: &[String], _dirs: &Dirs) -> Result<Vec<Provider>, Failure> {
    asked.iter().map(|asked| one(asked)).collect()
}

fn one(asked: &str) -> Result<Provider, Failure> {
    let path = Path::new(asked);
    if path.is_dir() {
        return Ok(Provider::open_dir(path)?);
    }
    Ok(Provider::open_pack(path)?)
}

/// A backend of the reference.
pub(crate) fn backend(name: &str) -> Result<String, Failure> {
    if BACKENDS.contains(&name) {
        return Ok(name.to_owned());
    }
    let near = vthost_cartesian::nearest(name, BACKENDS.iter().copied());
    let hint = vthost_cartesian::did_you_mean(&near)
        .map_or_else(String::new, |question| format!("; {question}"));
    let text = format!(
        "there is no backend `{}`{hint}; there are {}",
        vthost_report::text::line(name),
        BACKENDS.join(", ")
    );
    Err(Failure::new(ExitCode::Usage, text))
}
