//! What can go wrong with an asset.

use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;

/// Why an asset could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// No place has it.
    #[error("cannot download the asset `{name}`:{}\nlook at {defined}, or put the file to {} yourself", list(.troubles), .file.display())]
    NoSource {
        /// The asset.
        name: String,
        /// Each place and what was wrong there.
        troubles: Vec<Trouble>,
        /// Where it is defined.
        defined: String,
        /// Where it belongs.
        file: PathBuf,
    },
    /// There is no room for it.
    #[error("{} has {} MiB free, and `{name}` needs {} MiB", .dir.display(), mib(*.free), mib(*.needed))]
    NoSpace {
        /// The asset.
        name: String,
        /// The directory.
        dir: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// What was downloaded cannot be uncompressed.
    #[error(
        "cannot uncompress `{name}`, although its checksum is right: {why}; look at `uncompress` in {defined}"
    )]
    Uncompress {
        /// The asset.
        name: String,
        /// Why.
        why: String,
        /// Where it is defined.
        defined: String,
    },
    /// A file or directory cannot be used.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl AssetError {
    /// For `map_err`: what was tried with which file.
    pub(super) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// What was wrong with one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The place.
    pub url: String,
    /// What was wrong.
    pub why: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.why)
    }
}

fn list(troubles: &[Trouble]) -> String {
    troubles.iter().fold(String::new(), |mut text, trouble| {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {trouble}");
        text
    })
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
