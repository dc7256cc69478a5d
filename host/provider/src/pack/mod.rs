//! Pack files: one WebAssembly component that carries all that its tests need in custom sections.
//!
//! The sections stand right behind the header, so that a reader finds them without reading the code:
//!
//! | section | holds |
//! |---|---|
//! | `vthost:manifest` | JSON, [`Manifest`]: what the pack is, and the index of all that follows |
//! | `vthost:cfg/<backend>/<file>` | one configuration file |
//! | `vthost:deps/<path>` | one auxiliary file, which tests read as `/deps/<path>` |
//! | `vthost:signature` | a signature of the rest of the file ([`Signature`]); the last section |
//!
//! A pack is somebody else's file. It is read once and up to 64 MiB, nothing is allocated because it claims
//! a size, every name in it is checked, and the index of the manifest must be exactly what the file holds, the code
//! included. So a file that was cut, changed or put together by hand is refused and never half used.

mod cargo;
mod check;
mod component;
mod error;
mod extract;
#[cfg(test)]
mod hostile;
mod manifest;
mod names;
mod project;
mod read;
mod signature;
mod template;
mod trust;
mod write;

pub(crate) use names::hex;

pub use cargo::{CargoError, CargoPackage};
pub use component::{CfgFile, Component, DepFile};
pub use error::{Limit, PackError};
pub use extract::extract;
pub use manifest::{
    API, Capability, CfgEntry, DepEntry, MANIFEST_SCHEMA, Manifest, PackLimits, TestInfo,
};
pub use project::{Project, ProjectError, ProjectFile};
pub use read::Pack;
pub use signature::{NAMESPACE, SignatureError, SigningKey, sign, sign_detached};
pub use template::{Sdk, TemplateError, write_template};
pub(crate) use trust::detached_path;
pub use trust::{Signature, Trust};
pub use write::{PackSource, build};

/// The custom section that holds the manifest.
const MANIFEST_SECTION: &str = "vthost:manifest";
/// The prefix of the custom sections that hold configuration files.
const CFG_SECTION: &str = "vthost:cfg/";
/// The prefix of the custom sections that hold auxiliary files.
const DEPS_SECTION: &str = "vthost:deps/";
/// The custom section that holds the signature.
const SIGNATURE_SECTION: &str = "vthost:signature";
/// The prefix of all sections that are vthost's: they are no part of the code.
const OWN_SECTIONS: &str = "vthost:";
/// No pack is larger than this many bytes; reading stops there.
const MAX_PACK_SIZE: u64 = 64 << 20;
/// No manifest is larger than this many bytes.
const MAX_MANIFEST_SIZE: usize = 4 << 20;
/// No signature is larger than this many bytes.
const MAX_SIGNATURE_SIZE: usize = 16 << 10;
/// A pack has at most this many files, configuration and auxiliary ones together.
const MAX_FILES: usize = 10_000;
