//! The set of configuration that a job expands: vthost's own `cfg/`, the operator's files in its place, and what the
//! providers bring.
//!
//! Nothing of it is written to disk. `subtests.cfg`, `guest-os.cfg` and `host.cfg` are made in memory for each command,
//! so there are no stale copies, and no second bootstrap after a provider changed. Texts keep the places that they were
//! written at: a message or an origin names the file of the provider, not the one that it was pasted into.

mod choices;
mod dump;
mod files;
mod guest_os;
mod guests;
mod host;
mod loader;
mod paste;
mod preset;
mod select;
mod subtests;
mod tests;

pub use choices::{Choices, arch_label};
pub use dump::DumpError;
pub use files::CfgFiles;
pub use guests::{Guest, guests};
pub use preset::Preset;
pub use select::{SelectError, Selection};
pub use tests::CfgError;

pub(crate) use subtests::GENERIC;

use std::path::Path;

use vthost_cartesian::{Config, Error, OriginKind, Source};

use loader::{ROOT, SetLoader};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] CfgError),
    /// A mistake in a file.
    #[error(transparent)]
    Config(#[from] Error),
}

/// The parsed configuration of a job, before its filters.
#[derive(Clone)]
pub struct CfgSet {
    files: CfgFiles,
    config: Config,
    /// Whether it is a file of the operator's alone, for which nothing is chosen.
    is_own: bool,
}

impl CfgSet {
    /// Parses `tests.cfg` of a set and all that it includes.
    ///
    /// # Errors
    /// The first mistake in a file, with file, line and column; a file that cannot be read.
    pub fn new(files: CfgFiles) -> Result<Self, Error> {
        let config = parse(&files, &format!("include {ROOT}"))?;
        Ok(Self {
            files,
            config,
            is_own: false,
        })
    }

    /// Parses a file of the operator's in place of `tests.cfg`; it may include the files of the set. What it selects is
    /// its own business: no guest, machine or hardware is chosen for it.
    ///
    /// # Errors
    /// As [`CfgSet::new`].
    pub fn of_file(files: CfgFiles, path: &Path) -> Result<Self, SetError> {
        // An absolute name is the operator's, for the loader too.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let source = Source::new(path.display().to_string(), files::read(&path)?);
        let config = Config::parse(source, OriginKind::Operator, &SetLoader(&files))?;
        Ok(Self {
            files,
            config,
            is_own: true,
        })
    }

    /// The files that it is made of.
    pub fn files(&self) -> &CfgFiles {
        &self.files
    }

    /// Whether any provider brings a test for the backend.
    pub fn has_tests(&self) -> bool {
        !self.config.is_in_block(subtests::NONE, subtests::BLOCK)
    }

    /// The parsed configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// Parses lines of vthost's own over the set.
fn parse(files: &CfgFiles, lines: &str) -> Result<Config, Error> {
    let root = Source::new("vthost", lines);
    Config::parse(root, OriginKind::Default, &SetLoader(files))
}
