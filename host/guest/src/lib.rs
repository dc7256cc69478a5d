//! Sessions into a guest: ssh, serial console, and the expect engine.
//!
//! - [`wait_for_login`] climbs from a booting guest to an ssh [`Session`]; [`serial::login`] does so on a console.
//! - A [`Session`] is one interactive shell: commands with exact status and output, lines typed and patterns awaited.
//! - [`Session::start`] runs a [`Job`] beside the shell on the same ssh connection.
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
mod pattern;
mod ready;
mod script;
mod session;
mod shell;
mod ssh;
mod target;
mod transcript;
mod transport;

pub mod adapter;
pub mod serial;

pub use error::{ERROR_OUTPUT_LIMIT, Error, Result};
pub use escapes::{sanitize, strip_escapes};
pub use expect::{DEFAULT_CAPACITY, Expect, Match};
pub use job::Job;
pub use pattern::{LONGEST_MATCH, Pattern};
pub use ready::{Gate, Ladder, LadderReport, Login, Rung, RungReport, wait_for_login};
pub use serial::LoginSpec;
pub use session::{Session, SessionKind};
pub use shell::{CommandOutput, DEFAULT_COMMAND_TIMEOUT, Shell, ShellOptions};
pub use ssh::SshConnection;
pub use target::{HostKeyPolicy, PrivateKeySource, SshAuth, SshOptions, SshTarget};
pub use transcript::Transcript;
pub use transport::Transport;
