//! Configurations in a directory, for the commands of `vthost cartesian`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vthost_tests::{Printed, output, vthost};

/// A directory with configurations in it, and the command that is run there.
pub(crate) struct Cfg {
    dir: TempDir,
    command: &'static str,
}

impl Cfg {
    pub(crate) fn new(command: &'static str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cfg = Self { dir, command };
        for (name, text) in files {
            let path = cfg.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        cfg
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = vthost();
        command
            .current_dir(self.dir.path())
            .args(["cartesian", self.command])
            .args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Printed {
        output(&mut self.command(args))
    }

    /// What it says to `input`.
    pub(crate) fn fed(&self, args: &[&str], input: &str) -> Printed {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What it refuses to read is no matter of ours.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Printed {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
