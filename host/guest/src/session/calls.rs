//! What a session passes on to its shell, or to its connection.

use std::time::Duration;

use tokio::io::AsyncWrite;

use super::Session;
use crate::adapter::Dialect;
use crate::error::{Error, Result};
use crate::escapes::strip_escapes;
use crate::expect::Match;
use crate::job::Job;
use crate::pattern::Pattern;
use crate::record::OutputListener;
use crate::shell::{CommandOutput, Streamed};

impl Session {
    /// Runs a command and returns status and output, see [`Shell::cmd_status_output`](crate::Shell::cmd_status_output).
    ///
    /// # Errors
    /// See there.
    pub async fn cmd_status_output(
        &mut self,
        command: &str,
        timeout: Duration,
    ) -> Result<CommandOutput> {
        self.shell.cmd_status_output(command, timeout).await
    }

    /// Runs a command and returns its output, whatever its status.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`](crate::Shell::cmd_status_output).
    pub async fn cmd_output(&mut self, command: &str, timeout: Duration) -> Result<String> {
        self.shell.cmd_output(command, timeout).await
    }

    /// Runs a command and returns its status.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`](crate::Shell::cmd_status_output).
    pub async fn cmd_status(&mut self, command: &str, timeout: Duration) -> Result<i32> {
        self.shell.cmd_status(command, timeout).await
    }

    /// Runs a command that must succeed and returns its output.
    ///
    /// # Errors
    /// See [`Shell::cmd`](crate::Shell::cmd).
    pub async fn cmd(&mut self, command: &str, timeout: Duration) -> Result<String> {
        self.shell.cmd(command, timeout).await
    }

    /// Runs a command on a line that may lose bytes and returns its output, see
    /// [`Shell::cmd_output_safe`](crate::Shell::cmd_output_safe).
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`](crate::Shell::cmd_status_output).
    pub async fn cmd_output_safe(&mut self, command: &str, timeout: Duration) -> Result<String> {
        self.shell.cmd_output_safe(command, timeout).await
    }

    /// Runs a command and writes its output to `sink` byte for byte, see [`Shell::cmd_to`](crate::Shell::cmd_to).
    ///
    /// # Errors
    /// See there.
    pub async fn cmd_to(
        &mut self,
        command: &str,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
        timeout: Duration,
    ) -> Result<Streamed> {
        self.shell.cmd_to(command, sink, timeout).await
    }

    /// Starts a command beside the shell, see [`SshConnection::start`](crate::SshConnection::start). Where the shell is no
    /// POSIX shell the job cannot be killed.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on every other carrier than ssh, which have room for one program only; see also
    /// [`SshConnection::start`](crate::SshConnection::start).
    pub async fn start(&self, command: &str) -> Result<Job> {
        match &self.ssh {
            Some(connection) if self.shell.options().dialect == Dialect::Posix => {
                connection.start(command).await
            }
            Some(connection) => connection.start_plain(command).await,
            None => Err(Error::Unsupported {
                operation: "starting a job",
                kind: self.kind.as_str(),
            }),
        }
    }

    /// Types a line, see [`Shell::send_line`](crate::Shell::send_line).
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::Write`].
    pub async fn send_line(&mut self, line: &str) -> Result<()> {
        self.shell.send_line(line).await
    }

    /// Sends bytes as they are, e.g. control characters.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::Write`].
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.shell.send(bytes).await
    }

    /// Sends a control character by its name, see [`Shell::send_ctrl`](crate::Shell::send_ctrl).
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::Gone`], [`Error::Write`].
    pub async fn send_ctrl(&mut self, key: &str) -> Result<()> {
        self.shell.send_ctrl(key).await
    }

    /// Waits for one of the patterns, see [`Shell::read_until`](crate::Shell::read_until).
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::Gone`].
    pub async fn read_until(&mut self, patterns: &[Pattern], timeout: Duration) -> Result<Match> {
        self.shell.read_until(patterns, timeout).await
    }

    /// Waits for a prompt and returns the output before it, see
    /// [`Shell::read_until_prompt`](crate::Shell::read_until_prompt).
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::Gone`].
    pub async fn read_until_prompt(&mut self, timeout: Duration) -> Result<String> {
        self.shell.read_until_prompt(timeout).await
    }

    /// Reads until nothing more comes for `quiet`.
    pub async fn read_until_quiet(&mut self, quiet: Duration, timeout: Duration) -> String {
        self.shell.read_until_quiet(quiet, timeout).await
    }

    /// Reads what is there now.
    pub async fn drain(&mut self) -> String {
        self.shell.drain().await
    }

    /// Everything that came since the session began (`get_output` of the reference): the newest
    /// [`HISTORY_LIMIT`](crate::HISTORY_LIMIT) bytes, lossily decoded, without markers and prompts of ours, and how many
    /// bytes are missing in front of them.
    #[must_use]
    pub fn output(&self) -> (String, u64) {
        self.shell.output()
    }

    /// [`Session::output`] without terminal escapes (`get_stripped_output` of the reference).
    #[must_use]
    pub fn stripped_output(&self) -> (String, u64) {
        let (output, missing) = self.shell.output();
        (strip_escapes(&output).into_owned(), missing)
    }

    /// Hands every line that comes from now on to a listener, without its line end and lossily decoded, but with terminal
    /// escapes (`set_output_func` of the reference); `None` ends that. The listener runs in the task that reads the guest: it
    /// must not block. A line of more than 64 KiB comes in pieces.
    pub fn on_output(&self, listener: Option<OutputListener>) {
        self.shell.on_output(listener);
    }

    /// Changes what counts as a prompt, see [`Shell::set_prompt`](crate::Shell::set_prompt).
    ///
    /// # Errors
    /// [`Error::InvalidPattern`].
    pub fn set_prompt(&mut self, prompt: &str) -> Result<()> {
        self.shell.set_prompt(prompt)
    }

    /// Changes what ends a typed line, see [`Shell::set_linesep`](crate::Shell::set_linesep).
    pub fn set_linesep(&mut self, linesep: &str) {
        self.shell.set_linesep(linesep);
    }

    /// Changes what prints the status of the last command, see
    /// [`Shell::set_status_command`](crate::Shell::set_status_command).
    pub fn set_status_command(&mut self, command: &str) {
        self.shell.set_status_command(command);
    }
}
