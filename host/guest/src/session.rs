//! One session type over every carrier.

mod calls;

use std::time::Duration;

use crate::error::Result;
use crate::expect::Expect;
use crate::serial::{self, LoginSpec};
use crate::shell::{Shell, ShellOptions, Wire};
use crate::ssh::SshConnection;
use crate::target::{SshOptions, SshTarget};
use crate::tcp::{Greeted, NcTarget, TelnetTarget};
use crate::transcript::Transcript;
use crate::transport::Transport;

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// ssh over TCP.
    Ssh,
    /// telnet over TCP.
    Telnet,
    /// TCP with nothing between it and the shell.
    Nc,
    /// A console: serial port, virtio console, or any other byte stream with a login on it.
    Serial,
}

impl SessionKind {
    /// The name in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Nc => "nc",
            Self::Serial => "serial",
        }
    }
}

/// A logged-in shell in a guest, as `wait_for_login` and `wait_for_serial_login` of the guide give it.
#[derive(Debug)]
pub struct Session {
    kind: SessionKind,
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
        if let (Some(transcript), Some(password)) = (&transcript, &target.auth.password) {
            transcript.hide(password);
        }
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
            kind: SessionKind::Ssh,
            shell,
            ssh: Some(connection),
        })
    }

    /// Connects by telnet, once, and logs in at the prompts of the guest.
    ///
    /// # Errors
    /// [`Error::Connect`](crate::Error::Connect), [`Error::NoBanner`](crate::Error::NoBanner), and see [`serial::login`].
    pub async fn telnet(
        target: &TelnetTarget,
        shell: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Self> {
        let greeted = Greeted::new(&target.host, target.port, timeout).await?;
        Self::telnet_on(greeted, target, shell, transcript, timeout).await
    }

    pub(crate) async fn telnet_on(
        greeted: Greeted,
        target: &TelnetTarget,
        shell: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Self> {
        let login = LoginSpec {
            username: target.username.clone(),
            password: target.password.clone(),
            shell,
            patterns: target.patterns.clone(),
            timeout,
        };
        Ok(Self {
            kind: SessionKind::Telnet,
            shell: serial::login_by_telnet(greeted.into_telnet(), &login, transcript).await?,
            ssh: None,
        })
    }

    /// Connects to a TCP port that gives a shell to whoever comes. Nothing can be interrupted there: a command that runs into
    /// its timeout holds the session until it ends.
    ///
    /// # Errors
    /// [`Error::Connect`](crate::Error::Connect), [`Error::NoBanner`](crate::Error::NoBanner),
    /// [`Error::ShellNotReady`](crate::Error::ShellNotReady), [`Error::Gone`](crate::Error::Gone),
    /// [`Error::InvalidPattern`](crate::Error::InvalidPattern).
    pub async fn nc(
        target: &NcTarget,
        shell: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Self> {
        let greeted = Greeted::new(&target.host, target.port, timeout).await?;
        Self::nc_on(greeted, shell, transcript, timeout).await
    }

    pub(crate) async fn nc_on(
        greeted: Greeted,
        shell: ShellOptions,
        transcript: Option<Transcript>,
        timeout: Duration,
    ) -> Result<Self> {
        let expect = Expect::new(greeted.into_raw(), transcript);
        Ok(Self {
            kind: SessionKind::Nc,
            shell: Shell::take_over_on(expect, shell, Wire::Raw, timeout).await?,
            ssh: None,
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
            kind: SessionKind::Serial,
            shell: serial::login(transport, login, transcript).await?,
            ssh: None,
        })
    }

    /// What carries the session.
    #[must_use]
    pub fn kind(&self) -> SessionKind {
        self.kind
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

    /// Ends the session at once and without a word to the guest; over ssh the connections end with all other sessions and
    /// jobs on them. For a guest that is known to be dead.
    pub async fn kill(self) {
        if let Some(connection) = &self.ssh {
            connection.kill().await;
        }
    }
}
