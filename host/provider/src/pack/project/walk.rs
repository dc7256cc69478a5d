//! The files of a directory that makes a pack.

use std::path::{Path, PathBuf};

use super::ProjectError;
use crate::pack::CfgFile;

/// The backend of configuration that names none.
const GENERIC: &str = "generic";

/// The entries of a directory with their names, sorted by name.
fn entries(dir: &Path) -> Result<Vec<(String, PathBuf)>, ProjectError> {
    let unreadable = |source| ProjectError::Io {
        path: dir.to_owned(),
        source,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        match entry.file_name().into_string() {
            Ok(name) => entries.push((name, path)),
            Err(_) => return Err(ProjectError::NotText { path }),
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The configuration in a directory and in the directories of backends below it.
pub(super) fn read_cfg(dir: &Path) -> Result<Vec<CfgFile>, ProjectError> {
    let mut files = Vec::new();
    let mut backends = Vec::new();
    for (name, path) in entries(dir)? {
        if path.is_dir() {
            backends.push((name, path));
        } else {
            take_cfg(GENERIC, name, &path, &mut files)?;
        }
    }
    for (backend, dir) in backends {
        for (name, path) in entries(&dir)? {
            take_cfg(&backend, name, &path, &mut files)?;
        }
    }
    if files.is_empty() {
        return Err(ProjectError::NoCfg {
            path: dir.to_owned(),
        });
    }
    Ok(files)
}

fn take_cfg(
    backend: &str,
    name: String,
    path: &Path,
    files: &mut Vec<CfgFile>,
) -> Result<(), ProjectError> {
    if path.extension().is_none_or(|ending| ending != "cfg") {
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(|source| ProjectError::Io {
        path: path.to_owned(),
        source,
    })?;
    files.push(CfgFile {
        backend: backend.to_owned(),
        name,
        text,
    });
    Ok(())
}

/// Every file in a directory, with its path relative to it.
pub(super) fn read_deps(dir: &Path) -> Result<Vec<(String, Vec<u8>)>, ProjectError> {
    let mut files = Vec::new();
    add_deps(dir, "", &mut files)?;
    Ok(files)
}

/// Links are not followed: one that leads in a circle would never end, and one that leads out would put a file of the
/// author's machine into the pack that nobody meant to give away.
fn add_deps(
    dir: &Path,
    below: &str,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), ProjectError> {
    for (name, path) in entries(dir)? {
        let unreadable = |source| ProjectError::Io {
            path: path.clone(),
            source,
        };
        let kind = path.symlink_metadata().map_err(unreadable)?.file_type();
        let name = format!("{below}{name}");
        if kind.is_dir() {
            add_deps(&path, &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.push((name, std::fs::read(&path).map_err(unreadable)?));
        } else {
            return Err(ProjectError::Special { path });
        }
    }
    Ok(())
}
