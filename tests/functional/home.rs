//! A home of vthost with settings, made for one test.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vthost_tests::{Printed, output, pack, vthost};

/// A home of vthost, and a directory to work in.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("work")).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// With these settings of the user.
    pub(crate) fn with(text: &str) -> Self {
        let home = Self::new();
        home.write("config/vthost.toml", text);
        home
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = vthost();
        command
            .current_dir(self.path("work"))
            .env("HOME", self.0.path())
            .env("VTHOST_HOME", self.0.path())
            .env("VTHOST_SYSTEM_CONFIG", self.path("system.toml"))
            .stdin(Stdio::null())
            .args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Printed {
        output(&mut self.command(args))
    }

    /// The same with a pack.
    pub(crate) fn run_pack(&self, name: &str, args: &[&str]) -> Printed {
        output(self.command(args).arg("--provider").arg(pack(name)))
    }
}
