//! Sessions into a guest (ssh, telnet, raw TCP, serial console) and the expect engine; files to and from it; its agent;
//! programs built in it.
//!
//! - [`wait_for_login`] climbs from a booting guest to a [`Session`] over the network; [`serial::login`] does so on a
//!   console.
//! - A [`Session`] is one interactive shell: commands with exact status and output, lines typed and patterns awaited.
//! - [`Session::start`] runs a [`Job`] beside the shell on the same ssh connection.
//! - A [`FileTransfer`] copies files both ways: sftp, scp or [`rss`].
//! - An [`agent::Agent`] talks to the QEMU guest agent, a [`build::Builder`] builds a test program in the guest.
//! - [`Expect`] and [`Shell`] are the layers below, usable over any byte stream.
//!
//! Nothing here knows what a guest runs on: a console is any [`Transport`], a guest's readiness any future.

mod auth;
mod buffer;
mod client;
mod error;
mod escapes;
mod expect;
mod job;
mod keys;
mod limit;
mod marker;
mod pattern;
mod ready;
mod record;
mod script;
mod session;
mod shell;
mod ssh;
mod tail;
mod target;
mod tcp;
mod telnet;
mod transcript;
mod transport;

pub mod adapter;
pub mod agent;
pub mod build;
pub mod rss;
pub mod serial;
pub mod transfer;

pub use error::{ERROR_OUTPUT_LIMIT, Error, Result};
pub use escapes::{sanitize, strip_escapes};
pub use expect::{DEFAULT_CAPACITY, Expect, Match};
pub use job::Job;
pub use pattern::{LONGEST_MATCH, Pattern};
pub use ready::{Gate, GuestFacts, Ladder, LadderReport, Login, Rung, RungReport, wait_for_login};
pub use record::{HISTORY_LIMIT, OutputListener};
pub use serial::LoginSpec;
pub use session::{Session, SessionKind};
pub use shell::{CommandOutput, DEFAULT_COMMAND_TIMEOUT, Shell, ShellOptions, Streamed};
pub use ssh::SshConnection;
pub use target::{HostKeyPolicy, PrivateKeySource, ShellTarget, SshAuth, SshOptions, SshTarget};
pub use tcp::{NcTarget, TelnetTarget};
pub use transcript::Transcript;
pub use transfer::FileTransfer;
pub use transport::Transport;
