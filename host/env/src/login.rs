//! Logging in to the guest of a machine.

use std::path::Path;
use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use vthost_guest::adapter::LINUX;
use vthost_guest::{Gate, Ladder, LoginSpec, ShellOptions, SshTarget, Transcript, Transport};
use vthost_params::Params;
use vthost_qemu::serial::Replay;
use vthost_qemu::{Machine, SerialStream};

use crate::error::session_kind;
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
    port: u16,
    shell: ShellOptions,
    ready: Option<Regex>,
}

impl LoginParams {
    pub(crate) fn new(params: &Params) -> Result<Self> {
        if params.get_or("shell_client", "ssh") != "ssh" {
            return Err(params.invalid("shell_client", "`ssh`").into());
        }
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
            port: params.number("shell_port", 22)?,
            shell: ShellOptions {
                prompt: params.get_or("shell_prompt", LINUX.shell_prompt).to_owned(),
                linesep: params
                    .get_or("shell_linesep", LINUX.shell_linesep)
                    .replace("\\r", "\r")
                    .replace("\\n", "\n"),
            },
            ready,
        })
    }

    /// The port of the guest's shell server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Logs in over the network. `console` is read from where it stands for the guest's own sign that it is ready.
    pub(crate) async fn ssh(
        &self,
        machine: &Machine,
        console: Option<SerialStream>,
        timeout: Duration,
        log: &Path,
    ) -> Result<Session> {
        let name = machine.name();
        let host_port = machine.host_port(self.port).ok_or_else(|| {
            let text = format!("port {} of {name} is not forwarded: the machine has no network card (parameter nics)", self.port);
            Error::new(ErrorKind::NotFound, text)
        })?;
        let gate = self
            .ready
            .clone()
            .zip(console)
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
            transcript: Transcript::to_file(log).ok(),
            ..Ladder::default()
        };
        let target =
            SshTarget::with_password("127.0.0.1", host_port, &self.username, &self.password);
        let login = vthost_guest::wait_for_login(&target, ladder, timeout);
        // A machine that ends while one waits for its guest will never be ready.
        let login = tokio::select! {
            login = login => login,
            Some(exit) = machine.wait_exit(timeout) => {
                let text = format!("the machine {name} ended ({}) while its guest was waited for", exit.status);
                return Err(Error::new(ErrorKind::Gone, text));
            }
        };
        match login {
            Ok(login) => Ok(Session::new(login.session)),
            Err(error) => Err(Error::caused(
                session_kind(&error),
                format!("cannot log in to {name}"),
                error,
            )),
        }
    }

    /// Logs in on the first serial console.
    pub(crate) async fn serial(
        &self,
        machine: &Machine,
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
            patterns: LINUX.login,
            timeout,
        };
        let transport = Transport::from_stream(console);
        let login =
            vthost_guest::Session::serial(transport, &spec, Transcript::to_file(log).ok()).await;
        login.map(Session::new).map_err(|error| {
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
