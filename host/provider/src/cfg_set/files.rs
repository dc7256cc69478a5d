//! The files of the set: the shipped ones, the operator's own, and the three that are made of others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use vthost_cartesian::{LoadError, OriginKind, Source};

use super::guest_os::Guests;
use super::host::Host;
use super::paste::Piece;
use super::subtests;
use super::tests::{CfgError, tests_of};
use crate::{Dirs, Provider};

/// The shipped configuration, as it stands in `cfg/`.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../cfg");

/// The files that are made anew for each command.
const MADE: &[&str] = &["guest-os.cfg", "host.cfg", "subtests.cfg"];
/// What `guest-os.cfg` is made of.
const GUESTS: &str = "guest-os";
/// How large a file of the operator or of a provider may be, in bytes.
pub(super) const MAX_FILE: u64 = 16 << 20;
/// How much the configurations of all tests may be together, in bytes: a few links in a repository make any amount.
pub(super) const MAX_TESTS: u64 = 48 << 20;
/// How deep directories are followed.
const MAX_DEPTH: usize = 16;

/// The files of the set by their names: `base.cfg`, `guest-os/Linux/JeOS.cfg`, ... (guide, section "Default
/// Configuration Files").
#[derive(Debug, Clone)]
pub struct CfgFiles {
    own: Option<PathBuf>,
    providers: Vec<Provider>,
    backend: String,
}

impl CfgFiles {
    /// The set for a backend: the shipped files, the operator's in [`Dirs::cfg`] in their place, and what the providers
    /// bring. Nothing is read yet.
    pub fn new(dirs: &Dirs, providers: &[Provider], backend: &str) -> Self {
        Self {
            own: Some(dirs.cfg()),
            providers: providers.to_vec(),
            backend: backend.to_owned(),
        }
    }

    /// The set without any file of the operator.
    pub fn shipped(providers: &[Provider], backend: &str) -> Self {
        Self {
            own: None,
            providers: providers.to_vec(),
            backend: backend.to_owned(),
        }
    }

    pub(super) fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The names of all files, in order: shipped, the operator's, made.
    ///
    /// # Errors
    /// The operator's directory cannot be read.
    pub fn names(&self) -> Result<BTreeSet<String>, CfgError> {
        let mut names: BTreeSet<String> = MADE.iter().map(|&name| name.to_owned()).collect();
        shipped_names(&SHIPPED, &mut names);
        names.extend(self.own_names("")?);
        Ok(names)
    }

    /// Whether a file is made of others when it is asked for.
    pub fn is_made(&self, name: &str) -> bool {
        MADE.contains(&name) && self.own_path(name).is_none()
    }

    /// The operator's file in place of the shipped or made one, if there is one.
    pub fn own_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.own.as_ref()?.join(name);
        path.is_file().then_some(path)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn source(&self, name: &str) -> Result<Source, CfgError> {
        if let Some(path) = self.own_path(name) {
            return Ok(Source::new(path.display().to_string(), read(&path)?));
        }
        match name {
            "guest-os.cfg" => self.guests(),
            "host.cfg" => Ok(Source::new(name, Host::this().text())),
            "subtests.cfg" => {
                let mut tests = Vec::new();
                let mut left = MAX_TESTS;
                for provider in &self.providers {
                    tests.extend(tests_of(provider, &self.backend, &mut left)?);
                }
                Ok(subtests::make(name, tests, &self.backend))
            }
            name => shipped(name)
                .map(|text| Source::new(name, text))
                .ok_or_else(|| CfgError::NoFile(name.to_owned())),
        }
    }

    fn guests(&self) -> Result<Source, CfgError> {
        let mut guests = Guests::default();
        let mut names = BTreeSet::new();
        if let Some(dir) = SHIPPED.get_dir(GUESTS) {
            shipped_names(dir, &mut names);
        }
        names.extend(self.own_names(GUESTS)?);
        for name in names {
            let piece = match (self.own_path(&name), shipped(&name)) {
                (Some(path), _) => Piece::new(
                    &path.display().to_string(),
                    OriginKind::Operator,
                    read(&path)?,
                ),
                (None, Some(text)) => Piece::new(&name, OriginKind::Default, text.to_owned()),
                (None, None) => continue,
            };
            guests.insert(&name[GUESTS.len() + 1..], piece);
        }
        Ok(guests.make("guest-os.cfg"))
    }

    /// The operator's `.cfg` files below a directory of the set.
    fn own_names(&self, below: &str) -> Result<BTreeSet<String>, CfgError> {
        let mut names = BTreeSet::new();
        if let Some(own) = &self.own {
            let paths = cfg_below(&own.join(below))?;
            names.extend(paths.iter().filter_map(|path| {
                let name = path.strip_prefix(own).ok()?.to_str()?;
                Some(name.to_owned())
            }));
        }
        Ok(names)
    }
}

/// A shipped file.
fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.get_file(name)?.contents_utf8()
}

fn shipped_names(dir: &Dir<'_>, names: &mut BTreeSet<String>) {
    names.extend(
        dir.files()
            .filter_map(|file| file.path().to_str())
            .filter(|name| name.ends_with(".cfg"))
            .map(str::to_owned),
    );
    dir.dirs().for_each(|dir| shipped_names(dir, names));
}

/// The `.cfg` files of the operator below a directory, in order. A directory that is not there has none.
fn cfg_below(dir: &Path) -> Result<Vec<PathBuf>, CfgError> {
    let mut found = Vec::new();
    collect(dir, MAX_DEPTH, &mut found)?;
    Ok(found)
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CfgError> {
    let io = |source| CfgError::Io {
        path: dir.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if is_hidden(&path) {
            continue;
        }
        // It is the operator's own directory: a link leads where they want.
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
            if depth > 0 {
                collect(&path, depth - 1, found)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "cfg") {
            found.push(path);
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Reads a configuration.
pub(super) fn read(path: &Path) -> Result<String, CfgError> {
    use std::io::Read;
    let io = |source| CfgError::Io {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(io)?;
    // With room for all of it, a file is read at once; a provider has a thousand.
    let size = file.metadata().map_err(io)?.len().min(MAX_FILE);
    let mut bytes = Vec::with_capacity(size as usize + 1);
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CfgError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        CfgError::NotText {
            path: path.to_owned(),
            line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
        }
    })
}

impl From<CfgError> for LoadError {
    fn from(error: CfgError) -> Self {
        use std::error::Error;
        match error.source() {
            Some(source) => Self::new(format!("{error}: {source}")),
            None => Self::new(error.to_string()),
        }
    }
}
