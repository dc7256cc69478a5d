//! Reading a pack file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::check::manifest_of;
use super::component::Places;
use super::names::hex;
use super::{CfgFile, Component, DepFile, Manifest, PackError};

/// A pack that was read, not executed.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The file it came from.
    pub path: PathBuf,
    /// What it says about itself, and what the file was found to hold.
    pub manifest: Manifest,
    /// Its configuration, in the order of the file.
    pub cfg: Vec<CfgFile>,
    /// Its auxiliary files, in the order of the file.
    pub deps: Vec<DepFile>,
    /// The interfaces that it imports, with their versions.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The SHA-256 of everything but vthost's own sections, in hexadecimal: a change of configuration or
    /// manifest does not change the code.
    pub code_digest: String,
    /// The whole file.
    pub bytes: Arc<[u8]>,
    pub(super) places: Places,
}

impl Pack {
    /// Reads a pack file. Whoever signed it, it is read: [`Pack::admit`] asks for that.
    ///
    /// # Errors
    /// [`PackError`] if it is no pack, or none that this version can run.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let component = Component::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            manifest: manifest_of(&component)?,
            cfg: component.cfg,
            deps: component.deps,
            imports: component.imports,
            exports: component.exports,
            code_digest: component.code_digest,
            bytes: component.bytes,
            places: component.places,
        })
    }

    /// The bytes of an auxiliary file of this pack.
    pub fn dep(&self, file: &DepFile) -> &[u8] {
        &self.bytes[file.range.clone()]
    }

    /// The SHA-256 of all auxiliary files, their names included, in hexadecimal; none if there is none.
    pub fn deps_digest(&self) -> Option<String> {
        if self.manifest.deps.is_empty() {
            return None;
        }
        let mut digest = Sha256::new();
        for file in &self.manifest.deps {
            // A path has no line feed, so no two lists of files look the same.
            digest.update(format!("{} {}\n", file.sha256, file.path));
        }
        Some(hex(&digest.finalize()))
    }
}
