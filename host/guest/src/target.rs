//! What a session over the network needs to know: the way, the credentials, the times.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::session::SessionKind;
use crate::tcp::{self, NcTarget, TelnetTarget};

/// The way to a shell of a guest, whatever its shell server speaks (parameter `shell_client`).
#[derive(Clone, Debug)]
pub enum ShellTarget {
    /// ssh.
    Ssh(SshTarget),
    /// telnet.
    Telnet(TelnetTarget),
    /// Nothing but the shell.
    Nc(NcTarget),
}

impl ShellTarget {
    /// Host name or address, and TCP port.
    #[must_use]
    pub fn address(&self) -> (&str, u16) {
        match self {
            Self::Ssh(SshTarget { host, port, .. })
            | Self::Telnet(TelnetTarget { host, port, .. })
            | Self::Nc(NcTarget { host, port }) => (host, *port),
        }
    }

    /// The user name, where there is one.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Ssh(SshTarget { username, .. }) | Self::Telnet(TelnetTarget { username, .. }) => {
                Some(username)
            }
            Self::Nc(_) => None,
        }
    }

    /// What it makes.
    #[must_use]
    pub fn kind(&self) -> SessionKind {
        match self {
            Self::Ssh(_) => SessionKind::Ssh,
            Self::Telnet(_) => SessionKind::Telnet,
            Self::Nc(_) => SessionKind::Nc,
        }
    }
}

impl From<SshTarget> for ShellTarget {
    fn from(target: SshTarget) -> Self {
        Self::Ssh(target)
    }
}

impl From<&SshTarget> for ShellTarget {
    fn from(target: &SshTarget) -> Self {
        Self::Ssh(target.clone())
    }
}

impl From<TelnetTarget> for ShellTarget {
    fn from(target: TelnetTarget) -> Self {
        Self::Telnet(target)
    }
}

impl From<NcTarget> for ShellTarget {
    fn from(target: NcTarget) -> Self {
        Self::Nc(target)
    }
}

/// The way into a guest by ssh: the parameters `shell_port`, `username`, `password`.
#[derive(Clone, Debug)]
pub struct SshTarget {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name.
    pub username: String,
    /// What to show to the guest.
    pub auth: SshAuth,
    /// What the guest must show.
    pub host_key: HostKeyPolicy,
}

impl SshTarget {
    /// A target with a password, any host key accepted.
    #[must_use]
    pub fn with_password(host: &str, port: u16, username: &str, password: &str) -> Self {
        let auth = SshAuth {
            key: None,
            password: Some(password.to_owned()),
        };
        let (host, username) = (host.to_owned(), username.to_owned());
        Self {
            host,
            port,
            username,
            auth,
            host_key: HostKeyPolicy::AcceptAny,
        }
    }
}

/// Credentials. The key is tried first, then the password (also by way of `keyboard-interactive`, which is all that some
/// PAM setups offer); with neither, the method `none` is tried.
#[derive(Clone, Default)]
pub struct SshAuth {
    /// A private key without passphrase.
    pub key: Option<PrivateKeySource>,
    /// A password.
    pub password: Option<String>,
}

impl fmt::Debug for SshAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAuth")
            .field("key", &self.key.is_some())
            .field("password", &self.password.is_some())
            .finish()
    }
}

/// Where a private key comes from.
#[derive(Clone)]
pub enum PrivateKeySource {
    /// A file in OpenSSH, PKCS#1 or PKCS#8 format.
    Path(PathBuf),
    /// The text of such a file.
    Text(String),
}

/// Which host keys are good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Any. A test guest is made minutes before from an image whose host keys everybody has, or which makes new ones at
    /// each boot; it is reached over loopback or a private bridge. The reference does the same
    /// (`StrictHostKeyChecking=no`, `UserKnownHostsFile=/dev/null`).
    #[default]
    AcceptAny,
    /// Only the key with this fingerprint, as `ssh-keygen -l` prints it: `SHA256:...`.
    Pinned(String),
}

/// Times of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshOptions {
    /// How long a server may take to show its banner. Not below [`SshOptions::SHORTEST_BANNER_TIMEOUT`]: QEMU's user network
    /// queues every connection for the guest, and a slow guest then forks an sshd for each one given up on.
    pub banner_timeout: Duration,
    /// How long key exchange and authentication may take together.
    pub handshake_timeout: Duration,
    /// After so long a silence the guest is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// After so many unanswered questions the connection counts as lost. With the interval this bounds how long a guest may
    /// be paused before its sessions end: two minutes by default.
    pub keepalive_max: usize,
}

impl SshOptions {
    /// The least that `banner_timeout` can be set to.
    pub const SHORTEST_BANNER_TIMEOUT: Duration = tcp::SHORTEST_BANNER_TIMEOUT;
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            banner_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(30),
            keepalive_interval: Duration::from_secs(15),
            keepalive_max: 8,
        }
    }
}
