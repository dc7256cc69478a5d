//! Taking a pack apart.

use std::path::Path;

use super::write::write_dir;
use super::{Pack, PackError};

/// Writes what is in a pack to a directory that is empty or not there yet, at once or not at all: `manifest.json`,
/// `cfg/<backend>/<file>`, `deps/<path>`, `signature.sig` if it has one, and with `component` the bare component.
///
/// # Errors
/// [`PackError`] if the directory holds something, or cannot be written.
pub fn extract(pack: &Pack, dir: &Path, component: bool) -> Result<(), PackError> {
    let manifest =
        serde_json::to_vec_pretty(&pack.manifest).map_err(|source| PackError::BadManifest {
            path: pack.path.clone(),
            source,
        })?;
    write_dir(dir, |dir| {
        let write = |name: &str, bytes: &[u8]| {
            // The names were checked when the pack was read: none leads out of the directory.
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
            std::fs::write(path, bytes)
        };
        write("manifest.json", &manifest)?;
        for file in &pack.cfg {
            let name = format!("cfg/{}/{}", file.backend, file.name);
            write(&name, file.text.as_bytes())?;
        }
        for file in &pack.deps {
            write(&format!("deps/{}", file.path), pack.dep(file))?;
        }
        if let Some(signature) = pack.places.signature.clone() {
            write("signature.sig", &pack.bytes[signature])?;
        }
        if component {
            let code = pack.places.code(&pack.bytes).collect::<Vec<_>>().concat();
            write("component.wasm", &code)?;
        }
        Ok(())
    })
}
