//! Pack files: one WebAssembly component that carries its manifest and its configuration in custom sections.
//!
//! The sections stand right behind the header, so that a reader finds them without reading the code:
//! `vthost:manifest` (JSON, [`Manifest`]) and one `vthost:cfg/<backend>/<file>` for each configuration file.

mod error;
mod manifest;
mod read;
mod write;

pub(crate) use read::hex;

pub use error::PackError;
pub use manifest::{API, MANIFEST_SCHEMA, Manifest, TestInfo};
pub use read::{CfgFile, Pack, read_component};
pub use write::{PackSource, build};

/// The custom section that holds the manifest.
const MANIFEST_SECTION: &str = "vthost:manifest";
/// The prefix of the custom sections that hold configuration files.
const CFG_SECTION: &str = "vthost:cfg/";
/// The prefix of all sections that are vthost's: they are no part of the code.
const OWN_SECTIONS: &str = "vthost:";
/// No pack is larger than this many bytes; reading stops there.
const MAX_PACK_SIZE: u64 = 64 << 20;
