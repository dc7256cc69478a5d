//! What is wrong with a definition.

use std::path::PathBuf;

use super::uri::UriError;

/// Why a definition file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file or the directory of definitions cannot be read or written.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// `read`, `list` or `write`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than a definition may be.
    #[error("{} is larger than a definition may be ({limit} bytes)", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// There is a mistake in the file.
    #[error("{}:{line}: {mistake}", .path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The mistake.
        mistake: Box<Mistake>,
    },
}

/// A mistake in a definition file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The name of the file is no label.
    #[error(
        "`{0}` cannot be the name of a provider: rename the file, with letters, digits, `_` and `-` before `.ini`"
    )]
    BadName(String),
    /// It is no `.ini` file.
    #[error("this is no line of a definition: {0}")]
    Syntax(String),
    /// A line is neither a section nor a key.
    #[error("`{0}` is neither `[SECTION]` nor `key: value`")]
    NoKey(String),
    /// A key stands before the first section.
    #[error("`{0}` stands before the first section; begin with `[provider]`")]
    NoSection(String),
    /// There is no `[provider]`.
    #[error("there is no section `[provider]`{}", also(.0))]
    NoProvider(Option<String>),
    /// The same section or the same key is there twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A key that does not exist in its section.
    #[error("`{key}` is no key of `[{section}]`{}; its keys are {known}", also(.hint))]
    UnknownKey {
        /// The key.
        key: String,
        /// The section.
        section: String,
        /// The keys that there are.
        known: String,
        /// The question whether another one was meant.
        hint: Option<String>,
    },
    /// There is no `uri`.
    #[error("`[provider]` has no `uri`")]
    NoUri,
    /// The value of `uri` cannot be used.
    #[error("{0}")]
    Uri(#[from] UriError),
    /// The value of `branch` or `ref` cannot be the name of one.
    #[error("`{value}` cannot be a {key}: git has no such names")]
    BadRef {
        /// `branch` or `ref`.
        key: &'static str,
        /// The value, escaped.
        value: String,
    },
    /// `branch`, `ref` or `pubkey` for what is no repository.
    #[error("`{key}` is for git repositories, and {uri} is a pack file")]
    NotForPacks {
        /// The key.
        key: &'static str,
        /// The pack.
        uri: String,
    },
    /// A section of a backend for a pack.
    #[error("a pack file says itself which backends it is for: remove the section `[{0}]`")]
    BackendOfPack(String),
    /// Anybody on the way could change what is fetched.
    #[error(
        "{0} is fetched without proof of who sent it; use https or ssh, or give `pubkey`, or a full commit as `ref`"
    )]
    Unauthenticated(String),
    /// The name of a backend is no label.
    #[error("`{0}` cannot be the name of a backend: use letters, digits, `_` and `-`")]
    BadBackend(String),
    /// No backend has a section.
    #[error(
        "no backend has a section; add one for each directory of tests, as `[qemu]` and `subdir: qemu/`"
    )]
    NoBackend,
    /// A path leads out of the provider.
    #[error("`{0}` leads out of the provider: `subdir` is relative to its root, without `..`")]
    BadSubdir(String),
    /// A name in `configs` is no name of a configuration file.
    #[error(
        "`{0}` is no name of a configuration file: `configs` lists names as `guest.cfg, host.cfg`"
    )]
    BadConfigs(String),
    /// `pubkey` is empty.
    #[error("`pubkey` is empty; name the file of a public key, or remove the line")]
    EmptyPubkey,
}

fn also(hint: &Option<String>) -> String {
    hint.as_ref()
        .map_or_else(String::new, |hint| format!("; {hint}"))
}
