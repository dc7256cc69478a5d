//! What a pack is made of, as a directory: `pack.toml`, `cfg/`, `deps/`, and a component or the Cargo package of one.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vthost_cartesian::{did_you_mean, nearest};
use vthost_policy::GRANTS;

use super::{Capability, CfgFile, PackLimits};

/// The file that describes a pack.
const PROJECT_FILE: &str = "pack.toml";
/// The backend of configuration that names none.
const GENERIC: &str = "generic";
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

/// `pack.toml`: every key may be left out.
#[derive(Debug, Clone, Default)]
pub struct ProjectFile {
    /// The name of the pack.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// A component that is ready, relative to the directory. Without it, the directory is a Cargo package.
    pub component: Option<PathBuf>,
    /// The directory of configuration; `cfg` if that is there.
    pub cfg: Option<PathBuf>,
    /// The directory of auxiliary files; `deps` if that is there.
    pub deps: Option<PathBuf>,
    /// The grants that the pack asks for.
    pub capabilities: Vec<Capability>,
    /// What its tests get by with.
    pub limits: PackLimits,
}

/// The form of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Form {
    name: Option<String>,
    version: Option<String>,
    component: Option<PathBuf>,
    cfg: Option<PathBuf>,
    deps: Option<PathBuf>,
    capabilities: std::collections::BTreeMap<toml::Spanned<String>, String>,
    limits: LimitsForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LimitsForm {
    memory_mib: Option<u32>,
    deadline_seconds: Option<u32>,
    log_mib: Option<u32>,
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
            Ok(text) => parse(&path, &text)?,
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
            Some(dir) => {
                let mut files = Vec::new();
                read_deps(&dir, "", &mut files)?;
                Ok(files)
            }
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

fn parse(path: &Path, text: &str) -> Result<ProjectFile, ProjectError> {
    let form: Form = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let word = text.get(span.clone()).unwrap_or_default().trim_matches('"');
        // The message names the keys that can stand there: `unknown field `a`, expected one of `b`, `c``.
        let near = match error.message().split_once(", expected ") {
            Some((_, known)) => nearest(word, known.split('`').skip(1).step_by(2)),
            None => Vec::new(),
        };
        wrong(path, text, &span, error.message(), did_you_mean(&near))
    })?;
    let mut capabilities = Vec::new();
    for (grant, reason) in form.capabilities {
        let names = GRANTS.iter().map(|grant| grant.name);
        if names.clone().all(|name| name != grant.as_ref()) {
            let near = did_you_mean(&nearest(grant.as_ref(), names.clone()));
            let message = format!("there is no grant `{}`", grant.as_ref());
            let known = format!("known are {}", names.collect::<Vec<_>>().join(", "));
            return Err(wrong(
                path,
                text,
                &grant.span(),
                &message,
                near.or(Some(known)),
            ));
        }
        capabilities.push(Capability {
            grant: grant.into_inner(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        });
    }
    let bytes = |mib: Option<u32>| mib.map(|mib| u64::from(mib) << 20);
    Ok(ProjectFile {
        name: form.name,
        version: form.version,
        component: form.component,
        cfg: form.cfg,
        deps: form.deps,
        capabilities,
        limits: PackLimits {
            memory: bytes(form.limits.memory_mib),
            deadline: form.limits.deadline_seconds.map(u64::from),
            log: bytes(form.limits.log_mib),
        },
    })
}

fn wrong(
    path: &Path,
    text: &str,
    span: &Range<usize>,
    message: &str,
    suggestion: Option<String>,
) -> ProjectError {
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ProjectError::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: message.lines().next().unwrap_or_default().to_owned(),
        suggestion,
    }
}

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

fn read_cfg(dir: &Path) -> Result<Vec<CfgFile>, ProjectError> {
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

/// Links are not followed: one that leads in a circle would never end, and one that leads out would put a file of the
/// author's machine into the pack that nobody meant to give away.
fn read_deps(
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
            read_deps(&path, &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.push((name, std::fs::read(&path).map_err(unreadable)?));
        } else {
            return Err(ProjectError::Special { path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        parse(Path::new("pack.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let unknown = told("name = \"a\"\nverson = \"1\"\n");
        assert!(
            unknown.starts_with("pack.toml:2:1: unknown field `verson`")
                && unknown.ends_with("did you mean `version`?"),
            "{unknown}"
        );
        let nested = told("[limits]\nmemory-mb = 3\n");
        assert!(
            nested.starts_with("pack.toml:2:1:") && nested.ends_with("did you mean `memory-mib`?"),
            "{nested}"
        );
        let kind = told("\nname = 3\n");
        assert!(kind.starts_with("pack.toml:2:8: invalid type"), "{kind}");
        let syntax = told("name = \"a\nb\"\n");
        assert!(syntax.starts_with("pack.toml:1:"), "{syntax}");
        let grant = told("[capabilities]\nraw-qpm = \"why\"\n");
        assert_eq!(
            grant,
            "pack.toml:2:1: there is no grant `raw-qpm`; did you mean `raw-qmp`?"
        );
    }

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
