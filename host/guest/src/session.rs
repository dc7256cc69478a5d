//! One session type over every carrier.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::expect::Match;
use crate::job::Job;
use crate::pattern::Pattern;
use crate::serial::{self, LoginSpec};
use crate::shell::{CommandOutput, Shell, ShellOptions};
use crate::ssh::SshConnection;
use crate::target::{SshOptions, SshTarget};
use crate::transcript::Transcript;
use crate::transport::Transport;

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// ssh over TCP.
    Ssh,
    /// A console: serial port, virtio console, or any other byte stream with a login on it.
    Serial,
}

impl SessionKind {
    /// The name in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Serial => "serial",
        }
    }
}

/// A logged-in shell in a guest, as `wait_for_login` and `wait_for_serial_login` of the guide give it.
#[derive(Debug)]
pub struct Session {
    shell: Shell,
    ssh: Option<SshConnection>,
}

impl Session {
    /// Connects by ssh, once, and opens a shell. To wait for a guest that boots use
    /// [`wait_for_login`](crate::wait_for_login).
    ///
    /// # Errors
    /// See [`SshConnection::connect`] and [`SshConnection::open_shell`].
    pub async fn ssh(
        target: &SshTarget,
        ssh: &SshOptions,
        shell: ShellOptions,
        transcript: Option<Transcript>,
    ) -> Result<Self> {
        let connection = SshConnection::connect(target, ssh).await?;
        Self::over(connection, shell, transcript, ssh.handshake_timeout).await
    }

    /// Opens a shell on an existing connection. Several sessions can share one.
    ///
    /// # Errors
    /// See [`SshConnection::open_shell`].
    pub async fn over(
        connection: SshConnection,
        shell: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Self> {
        let shell = connection.open_shell(shell, transcript, timeout).await?;
        Ok(Self {
            shell,
            ssh: Some(connection),
        })
    }

    /// Logs in on a console, see [`serial::login`].
    ///
    /// # Errors
    /// See [`serial::login`].
    pub async fn serial(
        transport: Transport,
        login: &LoginSpec,
        transcript: Option<Transcript>,
    ) -> Result<Self> {
        Ok(Self {
            shell: serial::login(transport, login, transcript).await?,
            ssh: None,
        })
    }

    /// What carries the session.
    #[must_use]
    pub fn kind(&self) -> SessionKind {
        if self.ssh.is_some() {
            SessionKind::Ssh
        } else {
            SessionKind::Serial
        }
    }

    /// The ssh connection under the session, if it is one; it can carry more sessions and jobs.
    #[must_use]
    pub fn connection(&self) -> Option<&SshConnection> {
        self.ssh.as_ref()
    }

    /// The shell itself.
    pub fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    /// Runs a command and returns status and output, see [`Shell::cmd_status_output`].
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
    /// See [`Shell::cmd_status_output`].
    pub async fn cmd_output(&mut self, command: &str, timeout: Duration) -> Result<String> {
        self.shell.cmd_output(command, timeout).await
    }

    /// Runs a command and returns its status.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`].
    pub async fn cmd_status(&mut self, command: &str, timeout: Duration) -> Result<i32> {
        self.shell.cmd_status(command, timeout).await
    }

    /// Runs a command that must succeed and returns its output.
    ///
    /// # Errors
    /// See [`Shell::cmd`].
    pub async fn cmd(&mut self, command: &str, timeout: Duration) -> Result<String> {
        self.shell.cmd(command, timeout).await
    }

    /// Starts a command beside the shell, see [`SshConnection::start`].
    ///
    /// # Errors
    /// [`Error::Unsupported`] on a console, which has room for one program only; see also [`SshConnection::start`].
    pub async fn start(&self, command: &str) -> Result<Job> {
        match &self.ssh {
            Some(connection) => connection.start(command).await,
            None => Err(Error::Unsupported {
                operation: "starting a job",
                kind: SessionKind::Serial.as_str(),
            }),
        }
    }

    /// Types a line, see [`Shell::send_line`].
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

    /// Waits for one of the patterns, see [`Shell::read_until`].
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::Gone`].
    pub async fn read_until(&mut self, patterns: &[Pattern], timeout: Duration) -> Result<Match> {
        self.shell.read_until(patterns, timeout).await
    }

    /// Waits for a prompt and returns the output before it, see [`Shell::read_until_prompt`].
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

    /// True if the shell answers within `timeout`, see [`Shell::is_responsive`].
    pub async fn is_responsive(&mut self, timeout: Duration) -> bool {
        self.shell.is_responsive(timeout).await
    }

    /// True while the session has not ended; a guest that died silently shows only by
    /// [`Session::is_responsive`] or after the keepalive time.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.shell.has_ended()
    }

    /// Ends the session: the shell's stream and, when no other session or job uses it, the connection. A console shell
    /// stays logged in, as in the reference; the next login finds its prompt.
    pub async fn close(mut self) {
        self.shell.close().await;
    }
}
