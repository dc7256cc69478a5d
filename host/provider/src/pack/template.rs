//! The first pack of an author: a Cargo package that builds and runs as it is.

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use super::PackError;
use super::check::check_name;

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
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
        || (dir.symlink_metadata().is_ok() && !dir.is_dir())
    {
        return Err(PackError::InTheWay {
            path: dir.to_owned(),
        }
        .into());
    }
    let io = |source| TemplateError::Io {
        path: dir.to_owned(),
        source,
    };
    let parent = dir
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(io)?;
    let draft = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(io)?;
    // The form of a TOML string: a path may hold quotes and backslashes.
    let sdk = match sdk {
        Sdk::Path(path) => format!("path = {}", toml::Value::from(path.display().to_string())),
        Sdk::Git(url) => format!("git = {}", toml::Value::from(url.as_str())),
    };
    fill(&TEMPLATE, draft.path(), &|text| {
        text.replace("@name@", name).replace("@sdk@", &sdk)
    })
    .and_then(|()| std::fs::rename(draft.path(), dir))
    .map_err(io)?;
    // It is the result now.
    let _ = draft.keep();
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
