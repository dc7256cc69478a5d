//! The first pack of an author: a Cargo package that builds and runs as it is.

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use super::PackError;
use super::check::check_name;
use super::write::write_dir;

/// The files of the template, as they stand in `sdk-rust/template/`. Their names end in `.in`, so that no tool takes
/// them for what they are to become.
static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk-rust/template");

/// Where the SDK comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sdk {
    /// A directory on this machine.
    Path(PathBuf),
    /// A git repository.
    Git(String),
}

/// Why there is no new pack.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Its name cannot be one, or there is something in its place already.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The name cannot be one of a Cargo package.
    #[error("`{0}` cannot be the name of a Cargo package: it must begin with a letter")]
    Name(String),
}

/// Writes a new Cargo package for a pack to a directory that is empty or not there yet, at once or not at all.
///
/// # Errors
/// [`TemplateError`] if the name cannot be one, something is in the way, or it cannot be written.
pub fn write_template(name: &str, sdk: &Sdk, dir: &Path) -> Result<(), TemplateError> {
    check_name(name)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    // The form of a TOML string: a path may hold quotes and backslashes.
    let sdk = match sdk {
        Sdk::Path(path) => format!("path = {}", toml::Value::from(path.display().to_string())),
        Sdk::Git(url) => format!("git = {}", toml::Value::from(url.as_str())),
    };
    let filled = |text: &str| text.replace("@name@", name).replace("@sdk@", &sdk);
    write_dir(dir, |dir| fill(&TEMPLATE, dir, &filled))?;
    Ok(())
}

fn fill(from: &Dir<'_>, to: &Path, filled: &dyn Fn(&str) -> String) -> std::io::Result<()> {
    for entry in from.entries() {
        let path = entry.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let target = to.join(name.trim_end_matches(".in"));
        match entry {
            DirEntry::Dir(dir) => {
                std::fs::create_dir(&target)?;
                fill(dir, &target, filled)?;
            }
            DirEntry::File(file) => {
                std::fs::write(target, filled(file.contents_utf8().unwrap_or_default()))?;
            }
        }
    }
    Ok(())
}
