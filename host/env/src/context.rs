//! What an environment is made with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use vthost_metadata::LogLevel;
use vthost_policy::Grants;

use crate::Pool;

/// Where the environment says what it does.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(LogLevel, String) + Send + Sync>);

impl Log {
    /// A log that hands every line to `write`.
    pub fn new(write: impl Fn(LogLevel, String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    pub(crate) fn say(&self, level: LogLevel, message: impl Into<String>) {
        (self.0)(level, message.into());
    }

    pub(crate) fn debug(&self, message: impl Into<String>) {
        self.say(LogLevel::Debug, message);
    }

    pub(crate) fn info(&self, message: impl Into<String>) {
        self.say(LogLevel::Info, message);
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.say(LogLevel::Warn, message);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").finish_non_exhaustive()
    }
}

/// What an environment is made with.
#[derive(Debug, Clone)]
pub struct Context {
    /// What relative image names are below.
    pub data_dir: PathBuf,
    /// Where what QEMU binaries tell about themselves is kept.
    pub binaries: PathBuf,
    /// Whether the configuration of a provider may name images outside the directory of images.
    pub host_files: bool,
    /// Whether the configuration of a provider may run commands on the host.
    pub host_commands: bool,
    /// What the operator grants to the test itself.
    pub grants: Grants,
    /// The directory of the test's results.
    pub log_dir: PathBuf,
    /// Where the environment says what it does.
    pub log: Log,
    /// What outlives the test inside of its job.
    pub pool: Arc<Pool>,
}

/// A context without grants, whose files are all below `dir` and whose log nobody reads.
#[cfg(test)]
pub(crate) fn for_tests(dir: &std::path::Path) -> Context {
    Context {
        data_dir: dir.to_owned(),
        binaries: dir.join("binaries"),
        host_files: false,
        host_commands: false,
        grants: Grants::default(),
        log_dir: dir.to_owned(),
        log: Log::new(|_, _| {}),
        pool: Arc::new(Pool::new(dir.to_owned(), 1)),
    }
}

/// The directory of data of this user, as the program itself finds it.
#[cfg(test)]
pub(crate) fn user_data() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".local/share");
    std::env::var_os("XDG_DATA_HOME")
        .map_or_else(home, PathBuf::from)
        .join("vthost")
}
