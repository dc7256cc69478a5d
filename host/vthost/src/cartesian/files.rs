//! The texts of a configuration: files, pipes, standard input.
//!
//! A name means one text, so that an include that leads back to itself is noticed, and is still a path as the user
//! would write it: the first one by which the file was come to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use vthost_cartesian::{LoadError, Loader, Source};
use vthost_metadata::ExitCode;

use super::text::{Faulty, decode};
use crate::failure::Failure;

/// How many bytes all files of a configuration have at most, each counted as often as it is included. Those of
/// Avocado-VT with all its providers are a tenth of that.
const MAX_BYTES: u64 = 64 << 20;

/// The name of standard input in messages.
const STDIN: &str = "<stdin>";

/// Reads files, and knows those that it has read.
#[derive(Debug, Default)]
pub(crate) struct Files(RefCell<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Names, by the place that each means.
    names: HashMap<PathBuf, String>,
    /// Where the includes of a text are looked for, by its name; those of any other in the current directory.
    directories: HashMap<String, PathBuf>,
    /// Bytes read so far.
    read: u64,
}

/// Why a text cannot be had.
#[derive(Debug)]
enum Unreadable {
    /// The system says no.
    System(io::Error),
    Directory,
    /// A pipe, a socket or a device.
    Special,
    TooLong,
    Faulty(Faulty),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System(error) => match error.kind() {
                io::ErrorKind::NotFound => f.write_str("there is no such file"),
                io::ErrorKind::PermissionDenied => f.write_str("permission denied"),
                _ => error.fmt(f),
            },
            Self::Directory => f.write_str("it is a directory"),
            Self::Special => f.write_str("it is not a regular file"),
            Self::TooLong => {
                let limit = MAX_BYTES >> 20;
                write!(
                    f,
                    "the files of a configuration have at most {limit} MiB together"
                )
            }
            Self::Faulty(faulty) => {
                let Faulty { line, column, .. } = faulty;
                write!(f, "{} (line {line}, column {column})", faulty.message())
            }
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Files {
    /// The text that everything starts with; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be read, or is no text.
    pub(crate) fn first(&self, path: &Path) -> Result<Source, Failure> {
        let is_stdin = path == Path::new("-");
        let name = match is_stdin {
            true => STDIN.to_owned(),
            false => path.display().to_string(),
        };
        let text = match is_stdin {
            true => self.text(io::stdin().lock()),
            false => self.file_or_pipe(path, &name),
        };
        match text {
            Ok(text) => Ok(Source::new(name, text)),
            Err(Unreadable::Faulty(faulty)) => Err(faulty.mistake(&name).failure(ExitCode::Usage)),
            Err(error) => {
                let text = format!("cannot read `{name}`: {error}");
                Err(Failure::new(ExitCode::Usage, text))
            }
        }
    }

    /// Lets everything be read once more.
    pub(crate) fn again(&self) {
        self.0.borrow_mut().read = 0;
    }

    fn file_or_pipe(&self, path: &Path, name: &str) -> Result<String, Unreadable> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(Unreadable::Directory);
        }
        // A pipe has no directory, and that of `/dev/stdin` and `/proc/self/fd/0` is not meant.
        let is_elsewhere = path.starts_with("/dev") || path.starts_with("/proc");
        if metadata.is_file() && !is_elsewhere {
            self.name(path, name.to_owned());
        }
        self.text(File::open(path)?)
    }

    /// The text of a regular file. To wait for a pipe or to read a device without end is never meant by an include.
    fn regular(&self, path: &Path) -> Result<String, Unreadable> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(Unreadable::Directory);
        }
        // What the kernel makes up looks like a file, and may wait for ever.
        let real = fs::canonicalize(path)?;
        let is_made_up = ["/proc", "/sys", "/dev"]
            .iter()
            .any(|dir| real.starts_with(dir));
        if !metadata.is_file() || is_made_up {
            return Err(Unreadable::Special);
        }
        self.text(File::open(path)?)
    }

    fn text(&self, input: impl Read) -> Result<String, Unreadable> {
        let mut known = self.0.borrow_mut();
        let left = MAX_BYTES - known.read;
        let mut bytes = Vec::new();
        let read = input.take(left + 1).read_to_end(&mut bytes)? as u64;
        if read > left {
            return Err(Unreadable::TooLong);
        }
        known.read += read;
        decode(bytes).map_err(Unreadable::Faulty)
    }

    /// The name of the file at `path`: `name`, unless it has one.
    fn name(&self, path: &Path, name: String) -> String {
        let mut known = self.0.borrow_mut();
        let place = place(path).unwrap_or_else(|| path.to_owned());
        let name = known.names.entry(place).or_insert(name).clone();
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        known.directories.entry(name.clone()).or_insert(directory);
        name
    }
}

impl Loader for Files {
    fn load(&self, from: &str, path: &str) -> Result<Source, LoadError> {
        let directory = self.0.borrow().directories.get(from).cloned();
        let found = tidy(directory.unwrap_or_default().join(home(path)));
        let shown = found.display().to_string();
        match self.regular(&found) {
            Ok(text) => Ok(Source::new(self.name(&found, shown), text)),
            Err(error) if shown == path => Err(LoadError::new(error.to_string())),
            Err(error) => Err(LoadError::new(format!("`{shown}`: {error}"))),
        }
    }
}

/// The path with a leading `~` expanded.
fn home(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}

/// The path without its detours, if it still means the same place then: behind a symbolic link, `..` leads elsewhere.
fn tidy(path: PathBuf) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let last = short.components().next_back();
        match (part, last) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                short.pop();
            }
            (part, _) => short.push(part),
        }
    }
    match place(&short) == place(&path) {
        true => short,
        false => path,
    }
}

/// The one place that a path means. A link to a file is a place of its own: what it includes is looked for beside the
/// link.
fn place(path: &Path) -> Option<PathBuf> {
    let directory = match path.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        directory => directory,
    };
    Some(fs::canonicalize(directory).ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("real/deep")).expect("directories");
        std::os::unix::fs::symlink(path("real/deep"), path("link")).expect("a link");
        assert_eq!(tidy(path("real/./deep/../a.cfg")), path("real/a.cfg"));
        // Beside `deep`, and not beside `link`.
        assert_eq!(tidy(path("link/../a.cfg")), path("link/../a.cfg"));
        let files = Files::default();
        assert_eq!(files.name(&path("real/a.cfg"), "first".into()), "first");
        assert_eq!(files.name(&path("link/../a.cfg"), "second".into()), "first");
    }

    #[test]
    fn all_files_together_are_bounded() {
        let files = Files::default();
        let half = MAX_BYTES / 2 + 1;
        assert!(files.text(io::repeat(b'\n').take(half)).is_ok());
        let error = files.text(io::repeat(b'\n').take(half));
        assert!(matches!(error, Err(Unreadable::TooLong)));
    }
}
