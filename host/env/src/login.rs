//! Logging in to the guest of a machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use regex::bytes::{Regex, RegexBuilder};
use vthost_guest::adapter::{GuestOs, LINUX, guest_os};
use vthost_guest::{
    Gate, GuestFacts, HostKeyPolicy, Ladder, LoginSpec, NcTarget, ShellOptions, ShellTarget,
    SshTarget, TelnetTarget, Transcript, Transport,
};
use vthost_params::Params;
use vthost_qemu::serial::Replay;
use vthost_qemu::{Machine, SerialStream};

use crate::error::session_kind;
use crate::fate::Fate;
use crate::{Error, ErrorKind, Result, Session};

/// After so long the guest is tried although its console did not say that it is ready: a console may be silent.
const SILENT_CONSOLE: Duration = Duration::from_secs(60);

/// A compiled expression takes at most this many bytes.
const REGEX_SIZE: usize = 1 << 20;

/// What the parameters say about logging in.
#[derive(Debug, Clone)]
pub(crate) struct LoginParams {
    username: String,
    password: String,
    client: Client,
    port: u16,
    os: GuestOs,
    shell: ShellOptions,
    ready: Option<Regex>,
    checks_host_key: bool,
}

/// What belongs to one login.
pub(crate) struct Way<'w> {
    /// Where the guest's shell server is reached.
    pub(crate) at: SocketAddr,
    /// Read from where it stands for the guest's own sign that it is ready.
    pub(crate) console: Option<SerialStream>,
    /// What the guest must show.
    pub(crate) host_key: HostKeyPolicy,
    /// The log of the session.
    pub(crate) log: &'w Path,
    /// Tells of a guest that is not ready in time.
    pub(crate) facts: BoxFuture<'static, GuestFacts>,
}

/// What a session goes by.
#[derive(Debug, Clone, Copy)]
enum Client {
    Ssh,
    Telnet,
    Nc,
}

impl LoginParams {
    pub(crate) fn new(params: &Params) -> Result<Self> {
        // A system without an adapter of its own is treated as Linux, as the reference does.
        let os = guest_os(params.get_or("os_type", "linux")).cloned();
        let os = os.unwrap_or(LINUX);
        let client = match params.get_or("shell_client", &os.shell_client) {
            "ssh" => Client::Ssh,
            "telnet" => Client::Telnet,
            "nc" => Client::Nc,
            _ => {
                let error = params.invalid("shell_client", "`ssh`, `telnet` or `nc`");
                return Err(error.into());
            }
        };
        let linesep = params.get_or("shell_linesep", &os.shell_linesep);
        let shell = ShellOptions {
            prompt: params.get_or("shell_prompt", &os.shell_prompt).to_owned(),
            linesep: linesep.replace("\\r", "\r").replace("\\n", "\n"),
            status_command: params
                .get_or("status_test_command", &os.status_test_command)
                .to_owned(),
            ..os.shell_options()
        };
        let ready = match params.get("console_ready_pattern") {
            None | Some("") => None,
            Some(pattern) => Some(
                RegexBuilder::new(pattern)
                    .size_limit(REGEX_SIZE)
                    .build()
                    .map_err(|_| params.invalid("console_ready_pattern", "a regular expression"))?,
            ),
        };
        Ok(Self {
            username: params.get_or("username", "root").to_owned(),
            password: params.get("password").unwrap_or_default().to_owned(),
            client,
            port: params.number("shell_port", os.shell_port)?,
            os,
            shell,
            ready,
            checks_host_key: params.flag("ssh_hostkey_check", true)?,
        })
    }

    /// The command that reboots the guest.
    pub(crate) fn reboot_command<'a>(&'a self, params: &'a Params) -> &'a str {
        params.get_or("reboot_command", &self.os.reboot_command)
    }

    /// The command that shuts the guest down.
    pub(crate) fn shutdown_command<'a>(&'a self, params: &'a Params) -> &'a str {
        params.get_or("shutdown_command", &self.os.shutdown_command)
    }

    /// The port of the guest's shell server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether a guest must show the host key of its first login again.
    pub(crate) fn checks_host_key(&self) -> bool {
        self.checks_host_key
    }

    fn target(&self, at: SocketAddr, host_key: HostKeyPolicy) -> ShellTarget {
        let (host, port) = (&*at.ip().to_string(), at.port());
        match self.client {
            Client::Ssh => ShellTarget::Ssh(SshTarget {
                host_key,
                ..SshTarget::with_password(host, port, &self.username, &self.password)
            }),
            Client::Telnet => ShellTarget::Telnet(TelnetTarget {
                host: host.to_owned(),
                port,
                username: self.username.clone(),
                password: self.password.clone(),
                patterns: self.os.login.clone(),
            }),
            Client::Nc => ShellTarget::Nc(NcTarget {
                host: host.to_owned(),
                port,
            }),
        }
    }

    /// Logs in over the network.
    pub(crate) async fn network(
        &self,
        machine: &Machine,
        way: Way<'_>,
        timeout: Duration,
    ) -> Result<vthost_guest::Session> {
        let name = machine.name();
        let gate = self
            .ready
            .clone()
            .zip(way.console)
            .map(|(pattern, mut console)| {
                let ready = async move {
                    // A console that closes is no sign; the ladder finds out what happened to the guest.
                    let _ = console.wait_for(&pattern, timeout).await;
                };
                Gate::new(ready, SILENT_CONSOLE)
            });
        let ladder = Ladder {
            gate,
            shell: self.shell.clone(),
            transcript: Transcript::to_file(way.log).ok(),
            facts: Some(way.facts),
            ..Ladder::default()
        };
        let target = self.target(way.at, way.host_key);
        let login = vthost_guest::wait_for_login(target, ladder, timeout);
        // A machine that ends while one waits for its guest will never be ready.
        let login = tokio::select! {
            login = login => login,
            Some(exit) = machine.wait_exit(timeout) => {
                let text = format!("the machine {name} ended ({}) while its guest was waited for", exit.status);
                return Err(Error::new(ErrorKind::Gone, text));
            }
        };
        match login {
            Ok(login) => Ok(login.session),
            Err(error) => {
                let mut text = format!("cannot log in to {name}");
                if matches!(error, vthost_guest::Error::HostKey { .. }) {
                    text.push_str(", whose disk is the one of its first login (ssh_hostkey_check = no takes any key)");
                }
                Err(Error::caused(session_kind(&error), text, error))
            }
        }
    }

    /// Logs in on the first serial console.
    pub(crate) async fn serial(
        &self,
        machine: &Arc<Machine>,
        timeout: Duration,
        log: &Path,
    ) -> Result<Session> {
        let name = machine.name();
        let console = first_console(machine, Replay::Recent).ok_or_else(|| {
            let text = format!("{name} has no serial console (parameter serials)");
            Error::new(ErrorKind::NotFound, text)
        })?;
        let spec = LoginSpec {
            username: self.username.clone(),
            password: self.password.clone(),
            shell: self.shell.clone(),
            patterns: self.os.login.clone(),
            timeout,
        };
        let transport = Transport::from_stream(console);
        let login =
            vthost_guest::Session::serial(transport, &spec, Transcript::to_file(log).ok()).await;
        let opened = |session| Session::new(session, Fate::of(machine));
        login.map(opened).map_err(|error| {
            Error::caused(
                session_kind(&error),
                format!("cannot log in on the console of {name}"),
                error,
            )
        })
    }
}

/// A listener on the first serial console of a machine, if it has one.
pub(crate) fn first_console(machine: &Machine, replay: Replay) -> Option<SerialStream> {
    let first = machine.spec().serials.first()?;
    Some(machine.serial(&first.name)?.subscribe(replay))
}
