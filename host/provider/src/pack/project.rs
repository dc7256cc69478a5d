//! What a pack is made of, as a directory: `pack.toml`, `cfg/`, `deps/`, and a component or the Cargo package of one.

mod file;
mod walk;

use std::path::{Path, PathBuf};

pub use file::ProjectFile;

use super::CfgFile;
use walk::{read_cfg, read_deps};

/// The file that describes a pack.
const PROJECT_FILE: &str = "pack.toml";
/// Why a directory does not make a pack.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// It.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `pack.toml` is wrong.
    #[error("{}:{line}:{column}: {message}{}", .path.display(), hint(.suggestion.as_deref()))]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// A directory of configuration has none.
    #[error("there is no .cfg file in {}", .path.display())]
    NoCfg {
        /// The directory.
        path: PathBuf,
    },
    /// Something that is neither a file nor a directory.
    #[error("{} is neither a file nor a directory; a pack holds plain files, so put a copy there", .path.display())]
    Special {
        /// It.
        path: PathBuf,
    },
    /// A name that is not UTF-8.
    #[error("the name of {} is not UTF-8 text", .path.display())]
    NotText {
        /// It.
        path: PathBuf,
    },
    /// There is nothing to make a pack of.
    #[error("{} has neither a Cargo.toml nor a pack.toml that names a `component`", .path.display())]
    Nothing {
        /// The directory.
        path: PathBuf,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |text| format!("; {text}"))
}

/// A directory that makes a pack.
#[derive(Debug, Clone)]
pub struct Project {
    /// The directory.
    pub dir: PathBuf,
    /// What its `pack.toml` says; nothing if there is none.
    pub file: ProjectFile,
}

impl Project {
    /// Reads the `pack.toml` of a directory, if there is one.
    ///
    /// # Errors
    /// [`ProjectError`] if it cannot be read or has a mistake.
    pub fn open(dir: &Path) -> Result<Self, ProjectError> {
        let path = dir.join(PROJECT_FILE);
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => file::parse(&path, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                ProjectFile::default()
            }
            Err(source) => return Err(ProjectError::Io { path, source }),
        };
        Ok(Self {
            dir: dir.to_owned(),
            file,
        })
    }

    /// The component that is ready, or none if the directory is a Cargo package.
    ///
    /// # Errors
    /// [`ProjectError::Nothing`] if it is neither.
    pub fn component(&self) -> Result<Option<PathBuf>, ProjectError> {
        match &self.file.component {
            Some(path) => Ok(Some(self.dir.join(path))),
            None if self.dir.join("Cargo.toml").is_file() => Ok(None),
            None => Err(ProjectError::Nothing {
                path: self.dir.clone(),
            }),
        }
    }

    /// The configuration: `*.cfg` of the directory for the backend `generic`, `<backend>/*.cfg` for that backend.
    ///
    /// # Errors
    /// [`ProjectError`] if it cannot be read, or a directory that was named has none.
    pub fn cfg(&self) -> Result<Vec<CfgFile>, ProjectError> {
        match self.place(self.file.cfg.as_deref(), "cfg") {
            Some(dir) => read_cfg(&dir),
            None => Ok(Vec::new()),
        }
    }

    /// The auxiliary files: everything in the directory, with paths relative to it.
    ///
    /// # Errors
    /// [`ProjectError`] if it cannot be read, or something in it is no plain file.
    pub fn deps(&self) -> Result<Vec<(String, Vec<u8>)>, ProjectError> {
        match self.place(self.file.deps.as_deref(), "deps") {
            Some(dir) => read_deps(&dir),
            None => Ok(Vec::new()),
        }
    }

    /// What was named, or the default if it is there.
    fn place(&self, named: Option<&Path>, default: &str) -> Option<PathBuf> {
        match named {
            Some(path) => Some(self.dir.join(path)),
            None => Some(self.dir.join(default)).filter(|dir| dir.is_dir()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_directory_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "pack.toml",
            "component = \"c.wasm\"\n[limits]\nmemory-mib = 2\n",
        );
        write("cfg/b.cfg", "");
        write("cfg/a.cfg", "");
        write("cfg/README", "");
        write("cfg/qemu/a.cfg", "");
        write("deps/x/y", "1");
        write("deps/.z", "2");
        let project = Project::open(dir.path()).unwrap();
        assert_eq!(project.file.limits.memory, Some(2 << 20));
        assert_eq!(
            project.component().unwrap(),
            Some(dir.path().join("c.wasm"))
        );
        let cfg = project.cfg().unwrap();
        let names: Vec<_> = cfg
            .iter()
            .map(|file| (&*file.backend, &*file.name))
            .collect();
        assert_eq!(
            names,
            [
                ("generic", "a.cfg"),
                ("generic", "b.cfg"),
                ("qemu", "a.cfg")
            ]
        );
        let deps = project.deps().unwrap();
        assert_eq!(
            deps,
            [
                (".z".to_owned(), b"2".to_vec()),
                ("x/y".to_owned(), b"1".to_vec())
            ]
        );
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("deps/link")).unwrap();
        assert!(matches!(project.deps(), Err(ProjectError::Special { .. })));
    }
}
