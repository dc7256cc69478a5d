//! The recipe of the default guest, as it stands in `deps/jeos`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use include_dir::{Dir, File, include_dir};
use sha2::{Digest, Sha256};

use super::programs;
use crate::pack::hex;

static RECIPE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../deps/jeos");

/// Files that say something about the recipe and change nothing of the image.
const NOT_PART: &[&str] = &["README.md", ".shellcheckrc"];

fn files() -> Vec<&'static File<'static>> {
    fn collect(dir: &'static Dir<'static>, files: &mut Vec<&'static File<'static>>) {
        files.extend(dir.files());
        dir.dirs().for_each(|dir| collect(dir, files));
    }
    let mut files = Vec::new();
    collect(&RECIPE, &mut files);
    files.retain(|file| !NOT_PART.iter().any(|name| file.path() == Path::new(name)));
    files.sort_unstable_by_key(|file| file.path());
    files
}

/// The SHA-256 of the recipe: of the names and contents of its files.
pub(super) fn digest() -> String {
    let mut digest = Sha256::new();
    for file in files() {
        for part in [file.path().as_os_str().as_encoded_bytes(), file.contents()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    hex(&digest.finalize())
}

/// Writes the recipe to a directory. Scripts can be executed there; other modes are the recipe's own business.
pub(super) fn extract(dir: &Path) -> io::Result<()> {
    for file in files() {
        let path = dir.join(file.path());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, file.contents())?;
        if file.contents().starts_with(b"#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// The packages of `host-packages.txt` whose proving command is not there.
pub(super) fn missing_packages() -> Vec<String> {
    let list = RECIPE
        .get_file("host-packages.txt")
        .and_then(File::contents_utf8)
        .unwrap_or_default();
    list.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .filter(|(_, command)| programs::find(command).is_none())
        .map(|(package, _)| package.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_is_whole_and_its_scripts_can_run() {
        let dir = tempfile::tempdir().unwrap();
        extract(dir.path()).unwrap();
        let mode = |name: &str| {
            fs::metadata(dir.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("build.sh") & 0o111, 0o111);
        assert_eq!(mode("packages.list") & 0o111, 0);
        assert_eq!(digest(), digest());
        assert!(!dir.path().join("README.md").exists());
    }
}
