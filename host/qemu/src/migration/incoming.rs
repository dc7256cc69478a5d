//! The connection between source and destination.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use serde::Deserialize;
use serde_json::{Value, json};

use super::options::Transport;
use super::problem::MigrationProblem;
use super::relay::Relay;
use crate::error::{MachineError, QmpError};
use crate::machine::Machine;

/// The name of the descriptor under which QEMU knows its end.
const NAME: &str = "migration";

#[derive(Deserialize)]
struct Listening {
    #[serde(rename = "socket-address", default)]
    addresses: Vec<Value>,
}

impl Machine {
    /// Lets the destination listen, and returns where the source is to send to.
    pub(super) async fn connect(
        &self,
        destination: &Self,
        transport: &Transport,
    ) -> Result<(String, Option<Relay>), MachineError> {
        let channel = |source| MachineError::Channel {
            machine: self.name().to_owned(),
            channel: "migration",
            source,
        };
        match transport {
            Transport::Unix => {
                let socket = destination.paths().migration_socket(self.name());
                let uri = format!("unix:{}", socket.display());
                destination.listen(&uri).await?;
                Ok((uri, None))
            }
            Transport::Tcp => {
                destination.listen("tcp:127.0.0.1:0").await?;
                let port = destination.listening_port().await?;
                Ok((format!("tcp:127.0.0.1:{port}"), None))
            }
            Transport::Fd => {
                let (ours, theirs) = UnixStream::pair().map_err(channel)?;
                self.take_fd(ours.into()).await?;
                destination.take_fd(theirs.into()).await?;
                destination.listen(&format!("fd:{NAME}")).await?;
                Ok((format!("fd:{NAME}"), None))
            }
            Transport::Exec(commands) => {
                let (first, out) = std::io::pipe().map_err(channel)?;
                let (into, last) = std::io::pipe().map_err(channel)?;
                let relay = self.relay(commands, first.into(), last.into())?;
                self.take_fd(out.into()).await?;
                destination.take_fd(into.into()).await?;
                destination.listen(&format!("fd:{NAME}")).await?;
                Ok((format!("fd:{NAME}"), Some(relay)))
            }
        }
    }

    /// Starts the commands that stand between QEMU and where its data goes to, or comes from.
    pub(super) fn relay(
        &self,
        commands: &[Vec<String>],
        input: OwnedFd,
        output: OwnedFd,
    ) -> Result<Relay, MachineError> {
        let log = self.paths().migration_log(self.name());
        Relay::start(commands, input, output, self.paths().run_dir(), &log).map_err(|reason| {
            MachineError::Migration {
                machine: self.name().to_owned(),
                problem: Box::new(MigrationProblem::Relay { reason }),
            }
        })
    }

    /// Awaits a migration at this address.
    pub(super) async fn listen(&self, uri: &str) -> Result<(), MachineError> {
        // All machines are started paused. In a machine that waits, this takes nothing but that back: the guest goes on
        // here at once if it ran there.
        self.cont().await?;
        let arguments = json!({ "uri": uri });
        self.command("await a migration with", "migrate-incoming", arguments)
            .await
            .map(drop)
    }

    /// Hands QEMU a descriptor for `fd:migration`.
    pub(super) async fn take_fd(&self, file: OwnedFd) -> Result<(), MachineError> {
        let arguments = json!({ "fdname": NAME });
        match self.qmp().execute_with_fd("getfd", arguments, file).await {
            Ok(_) => Ok(()),
            Err(source) => Err(self.explain("connect", source).await),
        }
    }

    /// The port that the kernel chose.
    async fn listening_port(&self) -> Result<u16, MachineError> {
        let action = "find the migration port of";
        let listening: Listening = self.query(action, "query-migrate", Value::Null).await?;
        let port = listening.addresses.iter().find_map(|address| {
            let port = address.get("port")?.as_str()?;
            port.parse().ok()
        });
        port.ok_or_else(|| MachineError::Qmp {
            machine: self.name().to_owned(),
            action: action.into(),
            source: QmpError::Protocol {
                detail: format!("query-migrate tells no port: {:?}", listening.addresses),
            },
        })
    }
}
