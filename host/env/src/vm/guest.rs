//! Other ways into a guest than a shell: its files, its agent, programs that are built in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vthost_guest::agent::{AgentError, AgentOptions, ExecRequest};
use vthost_guest::build::{BuildOptions, Builder};
use vthost_guest::rss::RssTarget;
use vthost_guest::transfer::{Symlinks, TransferOptions};
use vthost_guest::{FileTransfer, Transport};

use super::Vm;
use crate::{Error, ErrorKind, Result};

/// The port of the file server of guests without ssh.
const RSS_PORT: u16 = 10023;

/// The files of a guest.
#[derive(Debug)]
pub struct Files(Arc<Vm>);

impl Files {
    async fn transfer(&self, timeout: Duration) -> Result<FileTransfer> {
        let vm = &self.0;
        match vm.params.get_or("file_transfer_client", "scp") {
            "scp" | "sftp" | "ssh" => {
                let session = vm.any_session(timeout).await?;
                let connection = session.connection().await.ok_or_else(|| {
                    let text = format!(
                        "files travel over ssh, and {} has another shell (parameter shell_client)",
                        vm.name
                    );
                    Error::new(ErrorKind::Unsupported, text)
                })?;
                Ok(FileTransfer::ssh(connection))
            }
            "rss" => {
                let port = vm.params.number("file_transfer_port", RSS_PORT)?;
                let address = vm.address(port)?;
                Ok(FileTransfer::rss(RssTarget {
                    host: address.ip().to_string(),
                    port: address.port(),
                }))
            }
            _ => Err(vm
                .params
                .invalid("file_transfer_client", "`scp` or `rss`")
                .into()),
        }
    }

    fn options(timeout: Duration, symlinks: Symlinks) -> TransferOptions {
        TransferOptions {
            timeout,
            symlinks,
            ..TransferOptions::default()
        }
    }

    /// Copies a file or directory to the guest.
    ///
    /// # Errors
    /// How far it came, and why no further; [`ErrorKind::Gone`] if the machine ends meanwhile.
    pub async fn copy_to(&self, local: &Path, guest: &str, timeout: Duration) -> Result<()> {
        let transfer = self.transfer(timeout).await?;
        // A pack may have made links that lead out of its directory: they stay links.
        let options = Self::options(timeout, Symlinks::Keep);
        let copied = self
            .0
            .while_alive(transfer.copy_files_to(local, guest, &options));
        copied.await?.map(drop).map_err(|error| {
            let text = format!("cannot copy to {}", self.0.name);
            Error::caused(ErrorKind::Other, text, error)
        })
    }

    /// Copies a file or directory from the guest.
    ///
    /// # Errors
    /// As [`copy_to`](Self::copy_to).
    pub async fn copy_from(&self, guest: &str, local: &Path, timeout: Duration) -> Result<()> {
        let transfer = self.transfer(timeout).await?;
        let options = Self::options(timeout, Symlinks::Keep);
        let copied = self
            .0
            .while_alive(transfer.copy_files_from(guest, local, &options));
        copied.await?.map(drop).map_err(|error| {
            let text = format!("cannot copy from {}", self.0.name);
            Error::caused(ErrorKind::Other, text, error)
        })
    }

    /// Copies a directory to the guest as far as it is not there yet, and runs `make` in it if there is anything to make.
    /// Gives the directory in the guest.
    ///
    /// # Errors
    /// The output of `make` if it fails.
    pub async fn build(
        &self,
        source: &Path,
        arguments: &[String],
        timeout: Duration,
    ) -> Result<String> {
        let transfer = self.transfer(timeout).await?;
        let mut session = self.0.plain_session(timeout).await?;
        let quoted = arguments.iter().map(|word| quoted(word));
        let options = BuildOptions {
            flags: quoted.collect::<Vec<_>>().join(" "),
            make_timeout: timeout,
            transfer: Self::options(timeout, Symlinks::Follow),
            ..BuildOptions::default()
        };
        let failed = |error| {
            let text = format!("cannot build {} in {}", source.display(), self.0.name);
            Error::caused(ErrorKind::Other, text, error)
        };
        let mut builder = Builder::new(&mut session, &transfer, source, options).map_err(failed)?;
        let built = self.0.while_alive(builder.build()).await?;
        let dir = built.map_err(failed);
        session.close().await;
        dir
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The agent in a guest.
#[derive(Debug)]
pub struct Agent {
    vm: Arc<Vm>,
    agent: vthost_guest::agent::Agent,
}

/// What a program in a guest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Its exit status; 128 plus the number of the signal that killed it.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// What the agent keeps of each stream of a program is more than a test gets.
const MAX_STREAM: usize = 4 << 20;

impl Agent {
    fn failed(&self, what: &str, error: AgentError) -> Error {
        let kind = match &error {
            AgentError::NoAnswer { .. } | AgentError::StillRunning { .. } => ErrorKind::TimedOut,
            AgentError::Gone { .. } => ErrorKind::Gone,
            _ => ErrorKind::Other,
        };
        let text = format!("the agent of {} cannot {what}", self.vm.name);
        Error::caused(kind, text, error)
    }

    /// Waits until the agent answers.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it does not; [`ErrorKind::Gone`] if the machine ends meanwhile.
    pub async fn ping(&self, timeout: Duration) -> Result<()> {
        let agent = self.agent.with_timeout(timeout);
        let answer = self.vm.while_alive(agent.ping()).await?;
        answer.map_err(|error| self.failed("be reached", error))
    }

    /// Runs a command of the agent. One that shuts the guest down has no answer.
    ///
    /// # Errors
    /// What the agent said if it refuses; as [`ping`](Self::ping).
    pub async fn execute(
        &self,
        command: &str,
        arguments: Map<String, Value>,
        timeout: Duration,
    ) -> Result<Option<Value>> {
        let agent = self.agent.with_timeout(timeout);
        let arguments = (!arguments.is_empty()).then_some(Value::Object(arguments));
        if has_no_answer(command) {
            // It may be gone before it could say anything; what it refuses, it refuses at once.
            let asked = agent.with_timeout(timeout.min(Duration::from_secs(5)));
            return match asked.execute_raw(command, arguments).await {
                Ok(_) | Err(AgentError::NoAnswer { .. } | AgentError::Gone { .. }) => Ok(None),
                Err(error) => Err(self.failed(command, error)),
            };
        }
        let answer = self.vm.while_alive(agent.execute_raw(command, arguments));
        let answer = answer.await?;
        answer
            .map(Some)
            .map_err(|error| self.failed(command, error))
    }

    /// Runs a program and waits for its end.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if it still runs; as [`ping`](Self::ping).
    pub async fn exec(
        &self,
        path: &str,
        arguments: &[String],
        input: &[u8],
        timeout: Duration,
    ) -> Result<ExecOutput> {
        let request = ExecRequest {
            args: arguments.to_vec(),
            input: (!input.is_empty()).then(|| input.to_vec()),
            ..ExecRequest::new(path, &[])
        };
        let ran = self
            .vm
            .while_alive(self.agent.exec(&request, timeout))
            .await?;
        let ran = ran.map_err(|error| self.failed(&format!("run {path}"), error))?;
        let status = ran.status.or(ran.signal.map(|signal| 128 + signal));
        let cut = |mut bytes: Vec<u8>| {
            bytes.truncate(MAX_STREAM);
            bytes
        };
        Ok(ExecOutput {
            status: status
                .and_then(|status| i32::try_from(status).ok())
                .unwrap_or(-1),
            stdout: cut(ran.stdout),
            stderr: cut(ran.stderr),
        })
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// What the agent said; as [`ping`](Self::ping).
    pub async fn read_file(&self, path: &str, limit: usize, timeout: Duration) -> Result<Vec<u8>> {
        let agent = self.agent.with_timeout(timeout);
        let read = self.vm.while_alive(agent.read_file(path, limit)).await?;
        read.map_err(|error| self.failed(&format!("read {path}"), error))
    }

    /// Writes a file anew.
    ///
    /// # Errors
    /// What the agent said; as [`ping`](Self::ping).
    pub async fn write_file(&self, path: &str, content: &[u8], timeout: Duration) -> Result<()> {
        let agent = self.agent.with_timeout(timeout);
        let written = self.vm.while_alive(agent.write_file(path, content)).await?;
        written.map_err(|error| self.failed(&format!("write {path}"), error))
    }
}

/// Commands after which the agent has nothing to say.
fn has_no_answer(command: &str) -> bool {
    command == "guest-shutdown" || command.starts_with("guest-suspend-")
}

impl Vm {
    /// Does something for as long as the machine is there: what it waits for cannot come afterwards.
    async fn while_alive<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let machine = self.machine()?;
        tokio::select! {
            done = work => Ok(done),
            Some(exit) = machine.wait_exit(Duration::MAX) => {
                let text = format!("the machine {} has ended ({})", self.name, exit.status);
                Err(Error::new(ErrorKind::Gone, text))
            }
        }
    }

    /// The files of the guest, over the network.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the machine is off.
    pub fn files(self: &Arc<Self>) -> Result<Files> {
        self.machine()?;
        Ok(Files(Arc::clone(self)))
    }

    /// The agent in the guest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the machine has no port for it.
    pub fn agent(self: &Arc<Self>) -> Result<Agent> {
        let machine = self.machine()?;
        let stream = machine.agent();
        let stream = stream.map_err(|error| self.failed("reach the agent of", error))?;
        let stream = stream.ok_or_else(|| {
            let text = format!("{} has no port for the guest agent", self.name);
            Error::new(ErrorKind::NotFound, text)
        })?;
        let transport = Transport::from_stream(stream);
        let agent = vthost_guest::agent::Agent::new(transport, AgentOptions::default());
        Ok(Agent {
            vm: Arc::clone(self),
            agent,
        })
    }
}
