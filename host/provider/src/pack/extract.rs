//! Taking a pack apart.

use std::path::Path;

use super::{Pack, PackError};

/// Writes what is in a pack to a directory that is empty or not there yet, at once or not at all: `manifest.json`,
/// `cfg/<backend>/<file>`, `deps/<path>`, `signature.sig` if it has one, and with `component` the bare component.
///
/// # Errors
/// [`PackError`] if the directory holds something, or cannot be written.
pub fn extract(pack: &Pack, dir: &Path, component: bool) -> Result<(), PackError> {
    let io = |source| PackError::Io {
        what: "write",
        path: dir.to_owned(),
        source,
    };
    // Renaming takes the place of an empty directory, and of nothing else; this only says so before the work.
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
        || (dir.symlink_metadata().is_ok() && !dir.is_dir())
    {
        return Err(PackError::InTheWay {
            path: dir.to_owned(),
        });
    }
    let parent = dir
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(io)?;
    let draft = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(io)?;
    let write = |name: &str, bytes: &[u8]| {
        // The names were checked when the pack was read: none leads out of the directory.
        let path = draft.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(draft.path()))?;
        std::fs::write(path, bytes)
    };
    let manifest =
        serde_json::to_vec_pretty(&pack.manifest).map_err(|source| PackError::BadManifest {
            path: pack.path.clone(),
            source,
        })?;
    write("manifest.json", &manifest).map_err(io)?;
    for file in &pack.cfg {
        let name = format!("cfg/{}/{}", file.backend, file.name);
        write(&name, file.text.as_bytes()).map_err(io)?;
    }
    for file in &pack.deps {
        write(&format!("deps/{}", file.path), pack.dep(file)).map_err(io)?;
    }
    if let Some(signature) = pack.places.signature.clone() {
        write("signature.sig", &pack.bytes[signature]).map_err(io)?;
    }
    if component {
        let code: Vec<u8> = pack.places.code(&pack.bytes).collect::<Vec<_>>().concat();
        write("component.wasm", &code).map_err(io)?;
    }
    std::fs::rename(draft.path(), dir).map_err(io)?;
    // It is the result now.
    let _ = draft.keep();
    Ok(())
}
