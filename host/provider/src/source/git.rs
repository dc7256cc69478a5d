//! Running `git` so that nothing but what it is asked for happens.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::SourceError;
use crate::definition::Protocol;

/// How many lines of what git said are shown.
const SHOWN_LINES: usize = 4;

/// Variables of git that are the operator's business. All others of its are taken away: they would make git work on
/// another repository, or with other rules.
const KEPT: [&str; 12] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_USER_AGENT",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
];

/// Settings that win over those of the operator and of the repository: nothing that a repository brings is run.
const SETTINGS: [&str; 11] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "init.defaultBranch=none",
    "protocol.ext.allow=never",
    // A server that sends nothing for a minute is left.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
];

/// A `git` command. Its arguments are never seen by a shell.
#[derive(Debug)]
pub(crate) struct Git {
    command: Command,
}

impl Git {
    /// A command that works in `dir` and reaches repositories only by this protocol.
    pub(crate) fn new(dir: &Path, protocol: Protocol) -> Self {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            if text.starts_with("GIT_") && !KEPT.contains(&text) {
                command.env_remove(&name);
            }
        }
        command
            .current_dir(dir)
            // Without these, git asks at the terminal, or opens a window.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("GIT_ALLOW_PROTOCOL", protocol.name())
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        Self { command }
    }

    /// Keeps ssh from asking for a passphrase or for trust in a host, unless the operator has an ssh of their own.
    pub(crate) fn quiet_ssh(mut self) -> Self {
        let own = ["GIT_SSH_COMMAND", "GIT_SSH"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        if !own && !self.has_ssh_command() {
            self.command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        self
    }

    fn has_ssh_command(&self) -> bool {
        let mut command = Command::new("git");
        command
            .current_dir("/")
            .args(["config", "--get", "core.sshCommand"])
            .stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    }

    pub(crate) fn setting(mut self, setting: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg("-c").arg(setting);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Runs it, whatever it answers.
    pub(crate) fn output(mut self) -> Result<Output, SourceError> {
        self.command
            .output()
            .map_err(|source| SourceError::Program {
                program: "git",
                source,
            })
    }

    /// Runs it and gives what it printed. `what` is what it is to do, for the error.
    pub(crate) fn run(self, what: impl Into<String>) -> Result<String, SourceError> {
        let output = self.output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(SourceError::Git {
            what: what.into(),
            said: said(&output.stderr),
        })
    }
}

/// The lines of an error of git that say why.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines: Vec<&str> = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.drain(..lines.len().saturating_sub(SHOWN_LINES));
    match lines.is_empty() {
        true => "it gave no reason".to_owned(),
        false => lines.join("\n"),
    }
}
