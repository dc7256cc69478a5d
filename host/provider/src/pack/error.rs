//! Why a pack file cannot be used.

use std::path::PathBuf;

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
    /// The pack is for another version of vthost.
    #[error("{} is for {api}; this version of vthost runs {}", .path.display(), super::API)]
    OtherApi {
        /// The file.
        path: PathBuf,
        /// What it is for.
        api: String,
    },
    /// The name of the pack is no label.
    #[error("`{name}` cannot be the name of a pack: use letters, digits, `_` and `-`")]
    BadName {
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
}

fn hint(module: &bool) -> &'static str {
    if *module {
        " but a core module; build it for the target wasm32-wasip2"
    } else {
        ""
    }
}
