//! A home of vthost and repositories, made for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use vthost_tests::{Printed, output, vthost};

/// A directory with everything of one test in it.
pub(super) struct Place {
    dir: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes the definition of a provider to the operator's directory.
    pub(super) fn define(&self, name: &str, text: &str) -> PathBuf {
        self.write(&format!("home/config/test-providers.d/{name}.ini"), text)
    }

    /// `vthost provider`, with the settings of nobody.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = vthost();
        command
            .env("VTHOST_HOME", self.path("home"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.dir.path())
            .arg("provider")
            .args(args);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Printed {
        output(&mut self.command(args))
    }

    /// Runs a command that has to succeed.
    #[track_caller]
    pub(super) fn good(&self, args: &[&str]) -> Printed {
        let printed = self.run(args);
        assert_eq!(printed.code, 0, "{args:?}: {}", printed.stderr);
        printed
    }

    /// Runs a command that has to fail with this exit code and these words.
    #[track_caller]
    pub(super) fn bad(&self, args: &[&str], code: i32, told: &[&str]) -> Printed {
        let printed = self.run(args);
        assert_eq!(printed.code, code, "{args:?}: {}", printed.stderr);
        for words in told {
            assert!(
                printed.stderr.contains(words),
                "{words:?}: {}",
                printed.stderr
            );
        }
        printed
    }

    /// One provider as `list --json` shows it.
    #[track_caller]
    pub(super) fn status(&self, name: &str) -> serde_json::Value {
        let listed = self.good(&["list", "--json"]).stdout;
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
        let found = listed.into_iter().find(|status| status["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not listed"))
    }

    /// What lies in the directory of a provider's clones, sorted.
    pub(super) fn clones(&self, name: &str) -> Vec<String> {
        let dir = self.path("home/data/providers").join(name);
        let mut names: Vec<String> = fs::read_dir(dir)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A repository with tests for two backends, and its first commit.
    pub(super) fn repository(&self, name: &str) -> Repository {
        let repository = Repository {
            path: self.path(name),
        };
        fs::create_dir_all(&repository.path).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        for file in [
            "qemu/tests/boot.py",
            "qemu/tests/cfg/boot.cfg",
            "qemu/cfg/base.cfg",
            "generic/tests/cfg/uptime.cfg",
        ] {
            repository.write(file, "# one\n");
        }
        repository.commit("one");
        repository
    }
}

/// A repository that providers come from.
pub(super) struct Repository {
    pub(super) path: PathBuf,
}

impl Repository {
    pub(super) fn uri(&self) -> String {
        format!("file://{}", self.path.display())
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything, and gives the commit.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(super) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    #[track_caller]
    pub(super) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, &[])
    }

    /// Runs git with more of an environment, and gives what it printed.
    #[track_caller]
    pub(super) fn git_with(&self, args: &[&str], env: &[(&str, &Path)]) -> String {
        let output = Command::new("git")
            .current_dir(&self.path)
            .args([
                "-c",
                "user.name=Tester",
                "-c",
                "user.email=tester@example.org",
            ])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
