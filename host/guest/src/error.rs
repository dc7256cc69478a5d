//! What can go wrong between the host and a guest.

mod show;

use std::path::PathBuf;
use std::time::Duration;

use crate::ready::LadderReport;

pub(crate) use show::chain;
use show::{ExitStatus, Tail};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much guest output an error carries, in bytes: its end, which is where the reason usually stands.
pub const ERROR_OUTPUT_LIMIT: usize = 64 * 1024;

/// A failure of a session, of a login, or of the way to the guest.
///
/// Output that an error carries is the end of what the guest wrote, at most [`ERROR_OUTPUT_LIMIT`] bytes, lossily decoded
/// but otherwise unchanged. The `Display` text shows the last few lines of it, with terminal escapes removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No TCP connection to the guest.
    #[error("cannot connect to {host}:{port}")]
    Connect {
        /// The host name or address tried.
        host: String,
        /// The TCP port tried.
        port: u16,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The TCP connection stands, but nobody speaks: QEMU's user network takes every connection.
    #[error("no answer from {host}:{port} ({reason})")]
    NoBanner {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// Silence for how long, or how the connection ended.
        reason: String,
    },
    /// The key exchange did not finish.
    #[error("ssh handshake with {host}:{port} failed")]
    Handshake {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// What the ssh library said.
        source: Box<russh::Error>,
    },
    /// The key of the server is not the pinned one.
    #[error("host key of {host}:{port} is {found}, expected {expected}")]
    HostKey {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// The pinned SHA-256 fingerprint.
        expected: String,
        /// The fingerprint the server showed.
        found: String,
    },
    /// The server accepts neither the key nor the password.
    #[error("{host}:{port} refuses user {user:?} (tried: {tried}; server offers: {offered})")]
    AuthRefused {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// The user name.
        user: String,
        /// The methods tried, in order.
        tried: String,
        /// The methods the server would still accept.
        offered: String,
    },
    /// The private key cannot be used.
    #[error("cannot load private key {}", path.as_ref().map_or_else(|| "given as text".into(), |p| p.display().to_string()))]
    Key {
        /// The file, when the key came from one.
        path: Option<PathBuf>,
        /// What is wrong with it.
        source: Box<russh::keys::Error>,
    },
    /// An operation on an open ssh connection failed.
    #[error("ssh {operation} on {host}:{port} failed")]
    Ssh {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// What was asked, e.g. `open channel`.
        operation: &'static str,
        /// What the ssh library said.
        source: Box<russh::Error>,
    },
    /// The guest takes no more sessions and jobs on all connections that may be opened to it.
    #[error(
        "{connections} connections to {host}:{port} are full, wait for jobs to end or close sessions"
    )]
    Crowded {
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// How many connections there are.
        connections: usize,
    },
    /// A step has a time budget of its own and used it up.
    #[error("{step} not finished within {timeout:?}")]
    StepTimeout {
        /// The step, with its attributes, e.g. `ssh handshake with 127.0.0.1:5022`.
        step: String,
        /// The budget.
        timeout: Duration,
    },
    /// The guest could not be logged into in time; the report says how far the ladder was climbed.
    #[error("no {carrier} login to {host}:{port}{} within {timeout:?}: {report}", user.as_ref().map_or(String::new(), |user| format!(" as {user:?}")))]
    NotReady {
        /// What was to carry the session: `ssh`, `telnet` or `nc`.
        carrier: &'static str,
        /// The host name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// The user name, where there is one.
        user: Option<String>,
        /// The time that was given.
        timeout: Duration,
        /// Every rung: how often tried, last reason, time spent; and what the caller knows about the guest.
        report: Box<LadderReport>,
    },
    /// The dialogue on a console, or by telnet, did not lead to a shell in time.
    #[error(
        "no {carrier} login as {user:?} within {timeout:?} ({stage}); {}",
        Tail(console)
    )]
    SerialLogin {
        /// What carries the session: `serial` or `telnet`.
        carrier: &'static str,
        /// The user name.
        user: String,
        /// The time that was given.
        timeout: Duration,
        /// What the login was waiting for.
        stage: String,
        /// The last text on the console.
        console: String,
    },
    /// The guest refuses user name or password on a console, or by telnet.
    #[error(
        "{carrier} login refused for user {user:?} ({reason}); {}",
        Tail(console)
    )]
    SerialLoginRefused {
        /// What carries the session: `serial` or `telnet`.
        carrier: &'static str,
        /// The user name.
        user: String,
        /// What showed it.
        reason: &'static str,
        /// The last text on the console.
        console: String,
    },
    /// A login shell was reached but did not take the session's settings.
    #[error("shell not under control within {timeout:?}; {}", Tail(output))]
    ShellNotReady {
        /// The time that was given.
        timeout: Duration,
        /// What the shell wrote meanwhile.
        output: String,
    },
    /// A command did not end in time.
    #[error(
        "command {command:?} not finished within {timeout:?}{}; {}",
        if *usable { "" } else { " and not to be interrupted, so the session is not usable" },
        Tail(output)
    )]
    CommandTimeout {
        /// The command.
        command: String,
        /// The time that was given.
        timeout: Duration,
        /// The output so far.
        output: String,
        /// True if the shell listens again; false if the program still holds it: the next command tries to interrupt it.
        usable: bool,
    },
    /// A command ended with a status other than 0 ([`Session::cmd`](crate::Session::cmd) only).
    #[error("command {command:?} ended with status {status}; {}", Tail(output))]
    CommandFailed {
        /// The command.
        command: String,
        /// Its exit status.
        status: i32,
        /// Its output.
        output: String,
    },
    /// None of the awaited patterns came in time.
    #[error("no match for {patterns} within {timeout:?}; {}", Tail(output))]
    NoMatch {
        /// The patterns, joined by `, `.
        patterns: String,
        /// The time that was given.
        timeout: Duration,
        /// The unmatched output; it stays readable.
        output: String,
    },
    /// The session has ended: the shell exited, or the connection was lost.
    #[error("session has ended: {reason}{}; {}", ExitStatus(*status), Tail(output))]
    Gone {
        /// How it ended.
        reason: String,
        /// The exit status of the shell, where the guest told it.
        status: Option<i32>,
        /// The last output.
        output: String,
    },
    /// An earlier command was abandoned and its program still holds the shell.
    #[error(
        "session does not answer: the shell is still busy after {after:?}; {}",
        Tail(output)
    )]
    Unusable {
        /// How long ago the command began.
        after: Duration,
        /// What came when the session tried to recover.
        output: String,
    },
    /// This kind of session has no such operation.
    #[error("{operation} is not supported by a {kind} session")]
    Unsupported {
        /// The operation.
        operation: &'static str,
        /// The kind of session.
        kind: &'static str,
    },
    /// A command that no shell can be given.
    #[error("invalid command: it contains a NUL byte at offset {offset}")]
    InvalidCommand {
        /// The offset of the byte.
        offset: usize,
    },
    /// A text that a shell has no way to take as one word.
    #[error(
        "cannot quote for {shell}: {character:?} at offset {offset} keeps its meaning in quotes"
    )]
    Unquotable {
        /// The shell.
        shell: &'static str,
        /// The character.
        character: char,
        /// Its offset in bytes.
        offset: usize,
    },
    /// Not the name of a control character.
    #[error("unknown control key {name:?}, expected a letter or one of `[\\]^_@?` behind `ctrl+`")]
    InvalidKey {
        /// The name.
        name: String,
    },
    /// A regular expression that does not compile.
    #[error("invalid pattern {pattern:?}")]
    InvalidPattern {
        /// The text of the expression.
        pattern: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// What takes the output of [`Session::cmd_to`](crate::Session::cmd_to) does not take it.
    #[error("cannot write the output of command {command:?} after {written} bytes")]
    Sink {
        /// The command.
        command: String,
        /// How many bytes were written before.
        written: u64,
        /// What the writer said.
        source: std::io::Error,
    },
    /// Writing to the guest failed.
    #[error("cannot write to the guest")]
    Write {
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A transcript file cannot be made.
    #[error("cannot create transcript {}", path.display())]
    Transcript {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
}
