//! Definition files of providers (guide, section "Test Provider definition file").
//!
//! A definition is an `.ini` file: `[provider]` says where the tests come from, and a section for each backend says in
//! which directory its tests lie. Its name without `.ini` is the name of the provider.

mod error;
mod parse;
mod uri;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{DefinitionError, Mistake};
pub(crate) use uri::is_sha;
pub use uri::{Protocol, Uri, UriError, UriKind};

/// The section that says where the tests come from.
const PROVIDER: &str = "provider";
/// No definition is larger than this many bytes.
const MAX_SIZE: u64 = 1 << 20;

/// What a definition file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name of the provider: the name of the file without `.ini`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Where the tests come from: key `uri`.
    pub uri: Uri,
    /// The branch of a repository; without it and without `reference`, the one that the repository points to.
    pub branch: Option<String>,
    /// Key `ref`: a tag or a commit. It wins over `branch`.
    pub reference: Option<String>,
    /// The public key that has to have signed what is fetched, as an absolute path.
    pub pubkey: Option<PathBuf>,
    /// The backends, in the order of the file.
    pub backends: Vec<BackendSection>,
    /// What is most likely not meant, a line each.
    pub warnings: Vec<String>,
}

/// The section of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendSection {
    /// The backend: `generic`, `qemu`, ...
    pub name: String,
    /// Where its tests lie, relative to the root of the provider. Empty: in the root.
    pub subdir: PathBuf,
    /// Key `configs`: files of its directory `cfg`, as definitions of the reference name them. vthost takes all of them.
    pub configs: Vec<String>,
}

/// A definition file that was found.
#[derive(Debug)]
pub struct Found {
    /// The name of the provider: the name of the file without `.ini`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub definition: Result<Definition, Arc<DefinitionError>>,
}

impl Definition {
    /// Reads a definition file.
    ///
    /// # Errors
    /// [`DefinitionError`] if it cannot be read, or if there is a mistake in it.
    pub fn open(path: &Path) -> Result<Self, DefinitionError> {
        let failed = |source| DefinitionError::Io {
            what: "read",
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.len() > MAX_SIZE {
            return Err(DefinitionError::TooLarge {
                path: path.to_owned(),
                limit: MAX_SIZE,
            });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Self::parse(path, &text)
    }
}

/// The definitions in these directories, sorted by name. Of two with the same name, the one in the later directory
/// counts. A directory that is not there holds none.
///
/// # Errors
/// [`DefinitionError`] if a directory cannot be listed; a file with a mistake is no error of the scan.
pub fn scan(dirs: &[PathBuf]) -> Result<Vec<Found>, DefinitionError> {
    let mut files = BTreeMap::new();
    for dir in dirs {
        let failed = |source| DefinitionError::Io {
            what: "list",
            path: dir.clone(),
            source,
        };
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            // An editor's backup or a hidden file is no definition.
            if path.extension().is_some_and(|end| end == "ini") && path.is_file() {
                let stem = path.file_stem().unwrap_or_default();
                files.insert(stem.to_string_lossy().into_owned(), path);
            }
        }
    }
    let found = files.into_iter().map(|(name, path)| Found {
        definition: Definition::open(&path).map_err(Arc::new),
        name,
        path,
    });
    Ok(found.collect())
}

/// Whether `name` can be a label of the Cartesian language, and so the name of a provider. It begins with no `-`: commands
/// would take it for an option.
pub(crate) fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_directory_wins_and_a_broken_file_hides_nothing() {
        let home = tempfile::tempdir().unwrap();
        let dirs = ["data", "config"].map(|dir| home.path().join(dir));
        let write = |dir: usize, file: &str, text: &str| {
            fs::create_dir_all(&dirs[dir]).unwrap();
            fs::write(dirs[dir].join(file), text).unwrap();
        };
        assert!(scan(&dirs).unwrap().is_empty(), "nothing is there yet");
        let good = |dir| format!("[provider]\nuri: file:///{dir}\n[qemu]\nsubdir: q\n");
        write(0, "a.ini", &good("data"));
        write(0, "b.ini", &good("data"));
        write(0, "c.ini", "[provider]\nurl: file:///x\n");
        write(1, "b.ini", &good("config"));
        write(1, "b.ini~", "nonsense");
        write(1, "foo.bar.ini", &good("config"));
        let found = scan(&dirs).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "foo.bar"]);
        let uri = |at: usize| &found[at].definition.as_ref().unwrap().uri.text;
        assert_eq!((&**uri(0), &**uri(1)), ("file:///data", "file:///config"));
        let told = |at: usize| found[at].definition.as_ref().unwrap_err().to_string();
        assert!(told(2).contains("c.ini:2: `url` is no key"), "{}", told(2));
        assert!(told(3).contains("`foo.bar` cannot be"), "{}", told(3));
    }
}
