//! The directories of vthost.

use std::path::{Path, PathBuf};

/// There is no place for vthost's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither VTHOST_HOME, nor the XDG directories, nor HOME is set; set VTHOST_HOME to a directory of your own"
)]
pub struct NoHome;

/// Where vthost keeps its files: the XDG directories, or all below one directory when `VTHOST_HOME` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// What the operator writes: `vthost.toml`, `cfg/`, `test-providers.d/`.
    pub config: PathBuf,
    /// Images, isos, providers. What it holds is expensive to make again.
    pub data: PathBuf,
    /// Compiled components and facts about this machine. It can be deleted at any time.
    pub cache: PathBuf,
    /// Results of jobs.
    pub results: PathBuf,
}

impl Dirs {
    /// The directories that the environment names. Nothing is created.
    ///
    /// # Errors
    /// [`NoHome`] if the environment names none.
    pub fn from_env() -> Result<Self, NoHome> {
        Self::resolve(|key| std::env::var_os(key).filter(|value| !value.is_empty()))
    }

    fn resolve(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Self, NoHome> {
        if let Some(home) = get("VTHOST_HOME") {
            return Ok(Self::below(Path::new(&home)));
        }
        let home = get("HOME").map(PathBuf::from);
        let xdg = |key: &str, fallback: &str| {
            get(key)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| Some(home.as_ref()?.join(fallback)))
                .map(|path| path.join("vthost"))
                .ok_or(NoHome)
        };
        Ok(Self {
            config: xdg("XDG_CONFIG_HOME", ".config")?,
            data: xdg("XDG_DATA_HOME", ".local/share")?,
            cache: xdg("XDG_CACHE_HOME", ".cache")?,
            // Not below the data: what tests write must not be where images are looked for.
            results: xdg("XDG_STATE_HOME", ".local/state")?.join("job-results"),
        })
    }

    /// All directories below `home`.
    pub fn below(home: &Path) -> Self {
        Self {
            config: home.join("config"),
            data: home.join("data"),
            cache: home.join("cache"),
            results: home.join("job-results"),
        }
    }

    /// Guest images: what `image_name = images/...` is relative to is [`data`](Self::data).
    pub fn images(&self) -> PathBuf {
        self.data.join("images")
    }

    /// The operator's own configuration: a file here wins over the shipped one of the same path.
    pub fn cfg(&self) -> PathBuf {
        self.config.join("cfg")
    }

    /// Where definitions of providers are looked for; of two with the same name the later one wins.
    pub fn definitions(&self) -> [PathBuf; 2] {
        [&self.data, &self.config].map(|dir| dir.join("test-providers.d"))
    }

    /// Clones of providers, and the lock file that pins them.
    pub fn providers(&self) -> PathBuf {
        self.data.join("providers")
    }

    /// Compiled components.
    pub fn components(&self) -> PathBuf {
        self.cache.join("components")
    }

    /// What QEMU binaries tell about themselves.
    pub fn binaries(&self) -> PathBuf {
        self.cache.join("qemu")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(pairs: &[(&str, &str)]) -> Result<Dirs, NoHome> {
        Dirs::resolve(|key| {
            pairs
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn one_setting_moves_everything() {
        let dirs = dirs(&[("VTHOST_HOME", "/v"), ("HOME", "/h")]).unwrap();
        assert_eq!(dirs, Dirs::below(Path::new("/v")));
        assert_eq!(dirs.images(), Path::new("/v/data/images"));
    }

    #[test]
    fn xdg_directories_are_honoured_if_absolute() {
        let found = dirs(&[
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_CACHE_HOME", "relative"),
        ])
        .unwrap();
        assert_eq!(found.data, Path::new("/d/vthost"));
        assert_eq!(found.cfg(), Path::new("/c/vthost/cfg"));
        assert_eq!(found.cache, Path::new("/h/.cache/vthost"));
        assert_eq!(
            found.results,
            Path::new("/h/.local/state/vthost/job-results")
        );
        assert_eq!(dirs(&[]), Err(NoHome));
    }
}
