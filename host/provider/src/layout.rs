//! What lies in the directory of a backend (guide, section "Test Provider Layout").
//!
//! Configuration, packs and test modules may lie anywhere below `tests/`; only their endings matter.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Backend;

/// Why the files of a provider are refused.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file or directory cannot be read.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// `read`, `list` or `find`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A symbolic link leads out of the provider.
    #[error("{} leads out of the provider, to {}", .path.display(), .target.display())]
    Outside {
        /// The file or directory.
        path: PathBuf,
        /// Where it leads to.
        target: PathBuf,
    },
}

/// What lies in the directory of a backend. All paths begin with it, and all lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// `cfg/*.cfg`: base files for the runner.
    pub base: Vec<PathBuf>,
    /// `tests/**/*.cfg`: the configuration of the tests.
    pub tests: Vec<PathBuf>,
    /// `tests/**/*.wasm`: packs.
    pub packs: Vec<PathBuf>,
    /// `tests/**/*.py`: test modules of the reference, which vthost does not run. Their names are types of tests.
    pub modules: Vec<PathBuf>,
    /// `deps/`: auxiliary files of the tests.
    pub deps: Option<PathBuf>,
}

impl Layout {
    /// Looks at the directory of a backend. `root` is the root of its provider.
    ///
    /// # Errors
    /// [`LayoutError`] if a directory cannot be listed, or if something in it leads out of the provider.
    pub fn of(root: &Path, backend: &Backend) -> Result<Self, LayoutError> {
        let mut layout = Self::default();
        let below = |name: &str| Some(backend.dir.join(name)).filter(|dir| dir.is_dir());
        if let Some(cfg) = below("cfg") {
            inside(root, &cfg)?;
            for (path, _) in list(&cfg)? {
                if ends_in(&path, "cfg") && path.is_file() {
                    inside(root, &path)?;
                    layout.base.push(path);
                }
            }
        }
        if let Some(tests) = below("tests") {
            inside(root, &tests)?;
            layout.walk(root, &tests)?;
        }
        if let Some(deps) = below("deps") {
            inside(root, &deps)?;
            layout.deps = Some(deps);
        }
        for paths in [
            &mut layout.base,
            &mut layout.tests,
            &mut layout.packs,
            &mut layout.modules,
        ] {
            // Byte by byte: to compare thousands of paths by their components takes long.
            paths.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        }
        Ok(layout)
    }

    fn walk(&mut self, root: &Path, dir: &Path) -> Result<(), LayoutError> {
        for (path, kind) in list(dir)? {
            if kind.is_dir() {
                self.walk(root, &path)?;
                continue;
            }
            // A link to a directory is not followed: it could lead back, and what it leads to is found where it is.
            let list = match path.extension().and_then(|end| end.to_str()) {
                Some("cfg") => &mut self.tests,
                Some("wasm") => &mut self.packs,
                Some("py") if !path.ends_with("__init__.py") => &mut self.modules,
                _ => continue,
            };
            // What is no link lies where it is: in a directory that was looked at.
            if kind.is_symlink() {
                inside(root, &path)?;
            }
            if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                list.push(path);
            }
        }
        Ok(())
    }
}

/// Where `path` leads to, if that is in the provider.
///
/// # Errors
/// [`LayoutError::Outside`] if it leads elsewhere.
pub(crate) fn inside(root: &Path, path: &Path) -> Result<PathBuf, LayoutError> {
    let root = root.canonicalize().map_err(io("find", root))?;
    let target = path.canonicalize().map_err(io("find", path))?;
    // What git keeps in a clone is no part of what the clone is of.
    if target.starts_with(&root) && !target.starts_with(root.join(".git")) {
        return Ok(target);
    }
    Err(LayoutError::Outside {
        path: path.to_owned(),
        target,
    })
}

/// What lies in a directory, in no order, and what each of it is; a link is a link.
fn list(dir: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, LayoutError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(io("list", dir))? {
        let entry = entry.map_err(io("list", dir))?;
        let kind = entry.file_type().map_err(io("list", dir))?;
        paths.push((entry.path(), kind));
    }
    Ok(paths)
}

fn ends_in(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|found| found == end)
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LayoutError {
    let path = path.to_owned();
    move |source| LayoutError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn backend(root: &Path, files: &[&str]) -> Backend {
        for file in files {
            let path = root.join("qemu").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        Backend {
            name: "qemu".into(),
            dir: root.join("qemu"),
        }
    }

    #[test]
    fn files_are_found_by_their_endings_wherever_they_lie() {
        let root = tempfile::tempdir().unwrap();
        let backend = backend(
            root.path(),
            &[
                "cfg/base.cfg",
                "cfg/sub/not-base.cfg",
                "deps/tool.c",
                "tests/b.py",
                "tests/__init__.py",
                "tests/cfg/b.cfg",
                "tests/storage/a.cfg",
                "tests/storage/a.wasm",
                "tests/storage/readme.md",
                "provider_lib/lib.py",
            ],
        );
        let layout = Layout::of(root.path(), &backend).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let relative = paths
                .iter()
                .map(|path| path.strip_prefix(&backend.dir).unwrap());
            relative.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(&layout.base), ["cfg/base.cfg"]);
        assert_eq!(
            names(&layout.tests),
            ["tests/cfg/b.cfg", "tests/storage/a.cfg"]
        );
        assert_eq!(names(&layout.packs), ["tests/storage/a.wasm"]);
        assert_eq!(names(&layout.modules), ["tests/b.py"]);
        assert_eq!(layout.deps.as_deref(), Some(&*backend.dir.join("deps")));
    }

    #[test]
    fn links_may_not_lead_out() {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret.cfg");
        fs::write(&secret, "secret").unwrap();
        let root = tempfile::tempdir().unwrap();
        let backend = backend(root.path(), &["tests/cfg/a.cfg", "deps/d"]);
        let link = |target: &Path, name: &str| {
            let path = backend.dir.join(name);
            symlink(target, &path).unwrap();
            path
        };
        // Within the provider they are good, even to where they stand.
        link(&backend.dir.join("tests/cfg/a.cfg"), "tests/cfg/same.cfg");
        link(&backend.dir.join("tests"), "tests/loop");
        let layout = Layout::of(root.path(), &backend).unwrap();
        assert_eq!(layout.tests.len(), 2);
        let same = &layout.tests[1];
        let target = inside(root.path(), same).unwrap();
        assert!(target.ends_with("tests/cfg/a.cfg"));

        let out = link(&secret, "tests/cfg/out.cfg");
        assert!(matches!(
            inside(root.path(), &out),
            Err(LayoutError::Outside { target, .. }) if target == secret.canonicalize().unwrap()
        ));
        assert!(matches!(
            Layout::of(root.path(), &backend),
            Err(LayoutError::Outside { .. })
        ));
        fs::remove_file(&out).unwrap();
        fs::remove_dir_all(backend.dir.join("deps")).unwrap();
        link(outside.path(), "deps");
        assert!(matches!(
            Layout::of(root.path(), &backend),
            Err(LayoutError::Outside { .. })
        ));
    }
}
