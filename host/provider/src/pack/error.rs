//! Why a pack file cannot be used.

use std::path::PathBuf;

use super::{API, MANIFEST_SCHEMA, MAX_FILES, MAX_MANIFEST_SIZE, MAX_SIGNATURE_SIZE};

/// What a pack has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Files.
    Files,
    /// Bytes of manifest.
    Manifest,
    /// Bytes of signature.
    Signature,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files => write!(f, "more than {MAX_FILES} files"),
            Self::Manifest => write!(f, "a manifest of more than {MAX_MANIFEST_SIZE} bytes"),
            Self::Signature => write!(f, "a signature of more than {MAX_SIGNATURE_SIZE} bytes"),
        }
    }
}

/// Why a pack file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file cannot be read or written.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than a pack may be.
    #[error("{} is larger than a pack may be ({limit} bytes)", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file has more of something than a pack may have.
    #[error("{} has {limit}, which no pack may have", .path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// Of what.
        limit: Limit,
    },
    /// The file is no WebAssembly component.
    #[error("{} is not a WebAssembly component{}", .path.display(), hint(.module))]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// Whether it is a core module.
        module: bool,
    },
    /// The bytes of the component are damaged.
    #[error("{} is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: wasmparser::BinaryReaderError,
    },
    /// The file ends too early.
    #[error("{} is damaged: it ends in the middle of its code", .path.display())]
    Cut {
        /// The file.
        path: PathBuf,
    },
    /// The component has no manifest.
    #[error("{} has no manifest; make a pack of it with `vthost pack build`", .path.display())]
    NoManifest {
        /// The file.
        path: PathBuf,
    },
    /// The manifest cannot be read.
    #[error("the manifest of {} cannot be read", .path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The manifest has a form that this version does not know.
    #[error("the manifest of {} has form {schema}; this version of vthost reads {MANIFEST_SCHEMA}: {}", .path.display(), other_form(*.schema))]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The form.
        schema: u32,
    },
    /// The pack is for another version of vthost.
    #[error("{} is for {}; this version of vthost runs {API}", .path.display(), .api.escape_default())]
    OtherApi {
        /// The file.
        path: PathBuf,
        /// What it is for.
        api: String,
    },
    /// The manifest says something else than what is in the file.
    #[error("{} is damaged, or was changed after it was made: {what} is not what its manifest says; build it again, or get it again", .path.display())]
    Lie {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The name of the pack is no label.
    #[error("`{name}` cannot be the name of a pack: use letters, digits, `_` and `-`")]
    BadName {
        /// The name, escaped.
        name: String,
    },
    /// The name of a test is no label.
    #[error("`{name}` in {} cannot be the name of a test: use letters, digits, `_` and `-`", .path.display())]
    BadTestName {
        /// The file.
        path: PathBuf,
        /// The name, escaped.
        name: String,
    },
    /// Two tests have the same name.
    #[error("{} has two tests `{name}`", .path.display())]
    TestTwice {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The name of a configuration file is not plain.
    #[error(
        "`{name}` cannot be the name of a configuration file in a pack: use letters, digits, `.`, `_` and `-`"
    )]
    BadCfgName {
        /// The name, escaped.
        name: String,
    },
    /// The path of an auxiliary file is not plain.
    #[error(
        "`{path}` cannot be an auxiliary file in a pack: its path must be relative, without `..`, `\\` and control characters"
    )]
    BadDepsPath {
        /// The path, escaped.
        path: String,
    },
    /// A path is a file and a directory at once.
    #[error("{} has `{file}` as a file and as a directory", .path.display())]
    FileAndDirectory {
        /// The pack.
        path: PathBuf,
        /// The path in it.
        file: String,
    },
    /// A section of vthost is there twice.
    #[error("{} has two sections `{section}`", .path.display())]
    Twice {
        /// The pack.
        path: PathBuf,
        /// The section, escaped.
        section: String,
    },
    /// A configuration file is not text.
    #[error("the configuration `{file}` in {} is not UTF-8 text", .path.display())]
    BadCfg {
        /// The pack.
        path: PathBuf,
        /// The file in it.
        file: String,
    },
    /// Something is in the way of what is to be made.
    #[error("{} is there already and not an empty directory; choose another place, or remove it", .path.display())]
    InTheWay {
        /// The place.
        path: PathBuf,
    },
    /// Its signature keeps it out.
    #[error(transparent)]
    Signature(#[from] super::SignatureError),
}

fn hint(module: &bool) -> &'static str {
    if *module {
        " but a core module; build it for the target wasm32-wasip2"
    } else {
        ""
    }
}

fn other_form(schema: u32) -> &'static str {
    if schema > MANIFEST_SCHEMA {
        "it needs a newer vthost"
    } else {
        "build the pack again"
    }
}
