//! The directories of vthost, made before anything looks for them.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use vthost_metadata::ReadinessItem;

use crate::Dirs;

/// Everybody may look.
const OPEN: u32 = 0o755;
/// Only the owner may.
const SECRET: u32 = 0o700;

/// The directories of the guide, and those for files of the operator's own.
fn wanted(dirs: &Dirs) -> Vec<(PathBuf, u32)> {
    let data = [
        "images",
        "isos",
        "steps_data",
        "downloads",
        "test-providers.d",
    ];
    let config = ["cfg", "downloads.d", "test-providers.d"];
    let mut wanted: Vec<_> = data
        .iter()
        .map(|name| (dirs.data.join(name), OPEN))
        .chain(config.iter().map(|name| (dirs.config.join(name), OPEN)))
        .collect();
    wanted.push((dirs.data.join("gpg"), SECRET));
    wanted
}

/// Looks for the directories and, if `make` is set, makes those that are not there.
pub(super) fn check(dirs: &Dirs, make: bool) -> Vec<ReadinessItem> {
    wanted(dirs)
        .into_iter()
        .map(|(path, mode)| one(&path, mode, make).mandatory())
        .collect()
}

fn one(path: &Path, mode: u32, make: bool) -> ReadinessItem {
    let name = path.display().to_string();
    match fs::metadata(path) {
        Ok(data) if !data.is_dir() => {
            return ReadinessItem::missing(name, "something else than a directory is there")
                .advice("move it away and bootstrap again");
        }
        // A key in a directory that others can read is no secret.
        Ok(data) if mode == SECRET && data.permissions().mode() & 0o077 != 0 => {
            if !make {
                return ReadinessItem::missing(name, "others can read it")
                    .advice("`vthost bootstrap` closes it");
            }
            return match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
                Ok(()) => ReadinessItem::changed(name, "closed to others"),
                Err(error) => failed(name, &error),
            };
        }
        Ok(_) => {
            return match rustix::fs::access(path, rustix::fs::Access::WRITE_OK) {
                Ok(()) => ReadinessItem::ok(name, ""),
                Err(error) => {
                    ReadinessItem::missing(name, format!("you cannot write to it: {error}"))
                        .advice("make it yours, or set VTHOST_HOME to a directory of your own")
                }
            };
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return failed(name, &error),
        Err(_) => {}
    }
    if !make {
        return ReadinessItem::missing(name, "not there").advice("`vthost bootstrap` makes it");
    }
    match DirBuilder::new().recursive(true).mode(mode).create(path) {
        Ok(()) => ReadinessItem::changed(name, "made"),
        Err(error) => failed(name, &error),
    }
}

fn failed(name: String, error: &io::Error) -> ReadinessItem {
    ReadinessItem::missing(name, format!("cannot be used: {error}")).advice(
        "look at the rights of the directory above, or set VTHOST_HOME to a directory of your own",
    )
}

#[cfg(test)]
mod tests {
    use vthost_metadata::ReadinessState;

    use super::*;

    fn states(items: &[ReadinessItem]) -> Vec<ReadinessState> {
        let mut states: Vec<_> = items.iter().map(|item| item.state).collect();
        states.dedup();
        states
    }

    #[test]
    fn directories_are_made_once_and_a_look_makes_none() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(home.path());
        assert_eq!(states(&check(&dirs, false)), [ReadinessState::Missing]);
        assert!(!dirs.data.exists());
        assert_eq!(states(&check(&dirs, true)), [ReadinessState::Changed]);
        assert_eq!(states(&check(&dirs, true)), [ReadinessState::Ok]);
        let gpg = dirs.data.join("gpg");
        let mode = || fs::metadata(&gpg).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);

        fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
        let open = check(&dirs, false);
        assert!(open.iter().any(|item| item.detail == "others can read it"));
        assert_eq!(mode(), 0o755);
        check(&dirs, true);
        assert_eq!(mode(), 0o700);
    }

    #[test]
    fn a_file_in_the_way_is_told_and_stays() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(home.path());
        fs::create_dir_all(&dirs.data).unwrap();
        fs::write(dirs.images(), "precious").unwrap();
        let items = check(&dirs, true);
        let images = items
            .iter()
            .find(|item| item.state == ReadinessState::Missing)
            .unwrap();
        assert!(images.name.ends_with("images") && images.mandatory);
        assert_eq!(fs::read(dirs.images()).unwrap(), b"precious");
    }
}
