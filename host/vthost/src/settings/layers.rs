//! The layers: where each is, and what they make together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::de::DeValue;
use vthost_provider::Dirs;

use super::error::SettingsError;
use super::keys::KEYS;
use super::value::{self, Origin, Value};
use super::{environment, file};

/// The name of a file of settings.
const FILE_NAME: &str = "vthost.toml";
/// The file of the system.
const SYSTEM: &str = "/etc/vthost/vthost.toml";
/// The variable that names another file of the system: for packages that put it elsewhere.
const SYSTEM_VARIABLE: &str = "VTHOST_SYSTEM_CONFIG";
/// Nobody writes more settings, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Where the layers are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) system: PathBuf,
    /// None if nothing says where the files of the user are.
    pub(crate) user: Option<PathBuf>,
    /// Where the search for the file of the project begins; relative paths of the environment begin here, too.
    pub(crate) current: PathBuf,
    /// Where that search ends.
    pub(crate) home: Option<PathBuf>,
    /// The file of `--config`.
    pub(crate) named: Option<PathBuf>,
}

/// What there is of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is read.
    Found,
    /// There is no such file.
    Missing,
    /// It belongs to the user of this number, and is not read.
    Foreign(u32),
}

/// A layer that is a file.
#[derive(Debug)]
pub(crate) struct Layer {
    /// `system`, `user`, `project` or `--config`.
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) state: State,
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// All settings that have a value.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, Set>,
    /// What the operator should know.
    pub(crate) warnings: Vec<String>,
}

impl Places {
    /// The places that the environment and the command line name.
    pub(crate) fn from_env(named: Option<&Path>) -> Result<Self, SettingsError> {
        let current = std::env::current_dir().map_err(|error| {
            SettingsError::new(format!("cannot find the current directory: {error}"))
        })?;
        let variable = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Ok(Self {
            system: variable(SYSTEM_VARIABLE)
                .map_or_else(|| SYSTEM.into(), |path| current.join(path)),
            user: Dirs::from_env()
                .ok()
                .map(|dirs| current.join(dirs.config).join(FILE_NAME)),
            home: variable("HOME").map(PathBuf::from),
            named: named.map(|path| current.join(path)),
            current,
        })
    }

    /// The files, the lowest layer first. Of the project there is one only if one was found.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![layer("system", &self.system)];
        layers.extend(self.user.as_deref().map(|path| layer("user", path)));
        layers.extend(self.project().map(|path| Layer {
            state: foreign_owner(&path).map_or(State::Found, State::Foreign),
            name: "project",
            path,
        }));
        layers.extend(self.named.as_deref().map(|path| layer("--config", path)));
        layers
    }

    /// The nearest file in the current directory or above, unless it is another layer as well.
    fn project(&self) -> Option<PathBuf> {
        let above_home = |dir: &Path| self.home.as_deref().and_then(Path::parent) == Some(dir);
        let path = self
            .current
            .ancestors()
            .take_while(|dir| !above_home(dir))
            .map(|dir| dir.join(FILE_NAME))
            .find(|path| path.symlink_metadata().is_ok())?;
        let real = |path: &Path| path.canonicalize().ok();
        let others = self.user.iter().chain([&self.system]).chain(&self.named);
        let is_another = others
            .into_iter()
            .any(|other| real(other).is_some_and(|other| real(&path) == Some(other)));
        (!is_another).then_some(path)
    }
}

fn layer(name: &'static str, path: &Path) -> Layer {
    let state = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => State::Missing,
        _ => State::Found,
    };
    Layer {
        name,
        path: path.to_owned(),
        state,
    }
}

/// The owner of a file, or of the link to it, if that is neither the operator nor root.
fn foreign_owner(path: &Path) -> Option<u32> {
    let own = rustix::process::geteuid().as_raw();
    let owners = [path.symlink_metadata(), path.metadata()];
    owners
        .into_iter()
        .flatten()
        .map(|metadata| metadata.uid())
        .find(|&owner| owner != own && owner != 0)
}

impl Settings {
    /// What all layers below the flags make together.
    ///
    /// # Errors
    /// The first mistake of the lowest layer that has one.
    pub(crate) fn load(
        places: &Places,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Self::built_in();
        for layer in places.layers() {
            match layer.state {
                State::Missing if layer.name != "--config" => {}
                State::Foreign(owner) => settings.warnings.push(format!(
                    "{} is not read: it belongs to somebody else (user {owner}); to use it, name it with --config",
                    layer.path.display()
                )),
                State::Missing | State::Found => settings.add_file(&layer, places)?,
            }
        }
        for (name, value, variable) in environment::read(variables, &places.current)? {
            settings.set(name, value, Origin::Environment(variable));
        }
        Ok(settings)
    }

    /// The built-in values.
    pub(crate) fn built_in() -> Self {
        let mut settings = Self::default();
        for key in KEYS {
            let default = key.default.and_then(|text| DeValue::parse(text).ok());
            if let Some(value) = default
                && let Ok(value) = value::check(key.kind, &value, Path::new("/"))
            {
                settings.set(key.name.to_owned(), value, Origin::BuiltIn);
            }
        }
        settings
    }

    fn add_file(&mut self, layer: &Layer, places: &Places) -> Result<(), SettingsError> {
        let text = read(layer)?;
        let instead = match &places.user {
            Some(user) => format!(
                "set it in {}, or name this file with --config if you trust it",
                user.display()
            ),
            None => "name this file with --config if you trust it".to_owned(),
        };
        let guard = (layer.name == "project").then_some(instead.as_str());
        for entry in file::parse(&layer.path, &text, guard)? {
            let origin = Origin::File {
                path: layer.path.clone(),
                line: entry.line,
            };
            self.set(entry.name, entry.value, origin);
        }
        Ok(())
    }

    /// Sets what a flag of the command line says, above all other layers.
    pub(super) fn flag(&mut self, name: &'static str, flag: &'static str, value: Value) {
        self.set(name.to_owned(), value, Origin::Flag(flag));
    }

    fn set(&mut self, name: String, value: Value, origin: Origin) {
        self.values.insert(name, Set { value, origin });
    }

    /// The value of a setting, by its full name.
    pub(crate) fn get(&self, name: &str) -> Option<&Set> {
        self.values.get(name)
    }

    /// All settings that have a value, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Set)> {
        self.values.iter().map(|(name, set)| (name.as_str(), set))
    }

    /// The settings of a section that have a value, sorted by name.
    pub(crate) fn section(&self, section: &str) -> impl Iterator<Item = (&str, &Set)> {
        self.values.iter().filter_map(move |(name, set)| {
            let key = name.strip_prefix(section)?.strip_prefix('.')?;
            Some((key, set))
        })
    }
}

/// The text of a file. It is not waited for somebody who writes into a pipe, except by the operator's own wish.
fn read(layer: &Layer) -> Result<String, SettingsError> {
    let path = layer.path.display();
    let refused = |why: String| {
        let error = SettingsError::new(format!(
            "cannot read the settings of {path} ({}): {why}",
            layer.name
        ));
        match layer.name {
            "--config" => error,
            _ => error.help("`vthost config path` shows where settings are looked for"),
        }
    };
    let io = |error: io::Error| refused(error.to_string());
    let kind = fs::metadata(&layer.path).map_err(io)?.file_type();
    if kind.is_dir() {
        return Err(refused("it is a directory".to_owned()));
    }
    if !kind.is_file() && layer.name != "--config" {
        return Err(refused("it is not a file".to_owned()));
    }
    let mut text = String::new();
    File::open(&layer.path)
        .and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text))
        .map_err(io)?;
    if text.len() as u64 > MAX_SIZE {
        return Err(refused(format!("it is larger than {} KiB", MAX_SIZE >> 10)));
    }
    Ok(text)
}
