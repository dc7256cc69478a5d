//! The configurations of tests that a provider brings.

use std::fmt::Write;
use std::path::PathBuf;

use super::files::read;
use super::subtests::{GENERIC, TestCfg};
use crate::layout::{Layout, LayoutError};
use crate::provider::Source;
use crate::{Pack, Provider};

/// The file of a pack that includes its others.
const PACK_ROOT: &str = "tests";

/// Why the configuration cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum CfgError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than a configuration may be.
    #[error("{} is larger than a configuration may be ({} MiB)", .0.display(), super::files::MAX_FILE >> 20)]
    TooLarge(PathBuf),
    /// A provider brings more than there is room for.
    #[error("the configuration of the provider {provider} is too much with {}: all tests together may have {} MiB", .path.display(), super::files::MAX_TESTS >> 20)]
    TooMuch {
        /// The provider.
        provider: String,
        /// The file that was too much.
        path: PathBuf,
    },
    /// A file is no text.
    #[error("{}:{line}: not UTF-8 text", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is none, from 1.
        line: usize,
    },
    /// The files of a provider are refused.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The set has no file of that name.
    #[error("there is no file `{0}` in the configuration set")]
    NoFile(String),
}

/// The configurations of a provider for a backend and for every backend.
pub(super) fn tests_of(
    provider: &Provider,
    backend: &str,
    left: &mut u64,
) -> Result<Vec<TestCfg>, CfgError> {
    match &provider.source {
        Source::Pack(pack) => Ok(of_pack(&provider.name, pack)),
        Source::Directory | Source::Git { .. } => {
            let mut found = Vec::new();
            let wanted = |name: &str| name == backend || name == GENERIC;
            for part in provider.backends.iter().filter(|part| wanted(&part.name)) {
                for path in Layout::of(&provider.root, part)?.tests {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let name = path.display().to_string();
                    let text = read(&path)?;
                    *left =
                        left.checked_sub(text.len() as u64)
                            .ok_or_else(|| CfgError::TooMuch {
                                provider: provider.name.clone(),
                                path: path.clone(),
                            })?;
                    found.push(TestCfg::new(&provider.name, &part.name, &stem, &name, text));
                }
            }
            Ok(found)
        }
    }
}

/// The configurations of a pack, which are roots of their own: a pack with a `tests.cfg` includes its others there.
fn of_pack(provider: &str, pack: &Pack) -> Vec<TestCfg> {
    if pack.cfg.is_empty() {
        let text = every_test(pack);
        let name = pack_file(provider, GENERIC, PACK_ROOT);
        return vec![TestCfg::new(provider, GENERIC, PACK_ROOT, &name, text)];
    }
    let stem = |name: &str| name.strip_suffix(".cfg").unwrap_or(name).to_owned();
    let has_root = |backend: &str| {
        pack.cfg
            .iter()
            .any(|file| file.backend == backend && stem(&file.name) == PACK_ROOT)
    };
    pack.cfg
        .iter()
        .filter(|file| stem(&file.name) == PACK_ROOT || !has_root(&file.backend))
        .map(|file| {
            let name = pack_file(provider, &file.backend, &file.name);
            let text = file.text.clone();
            TestCfg::new(provider, &file.backend, &stem(&file.name), &name, text)
        })
        .collect()
}

/// How a file in a pack is called: in origins, in messages, and when it includes another one.
pub(super) fn pack_file(provider: &str, backend: &str, file: &str) -> String {
    format!("{provider}:{backend}/{file}")
}

/// The configuration of a pack that brings none: every test is a variant.
fn every_test(pack: &Pack) -> String {
    pack.manifest
        .tests
        .iter()
        .fold(String::from("variants:\n"), |mut text, test| {
            // Writing to a string does not fail.
            let _ = write!(text, "    - {0}:\n        type = {0}\n", test.name);
            text
        })
}
