//! Sessions: a shell inside a guest.

use std::time::Duration;

use crate::bindings::vthost::guest::session as raw;
use crate::job::Job;
use crate::{CommandError, Error};

/// How long [`Session::cmd`] waits for a command, as in Avocado-VT.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// A span of time as the interfaces take it.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its exit status.
    pub status: i32,
    /// What it printed to standard output and standard error, in the order it came.
    pub output: String,
}

impl From<raw::CommandOutput> for CommandOutput {
    fn from(output: raw::CommandOutput) -> Self {
        Self {
            status: output.status,
            output: output.output,
        }
    }
}

/// What [`Session::read_until`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The place of the pattern in the list.
    pub index: usize,
    /// Everything before the match.
    pub before: String,
    /// The text that matched.
    pub matched: String,
}

/// A shell in a guest: commands share its directory and variables, as at a terminal. It is closed when dropped.
#[derive(Debug)]
pub struct Session(raw::Session);

impl Session {
    pub(crate) fn new(raw: raw::Session) -> Self {
        Self(raw)
    }

    /// Runs a command, at most a minute, and gives what it printed.
    ///
    /// # Errors
    /// [`CommandError::Failed`] if its exit status is not 0.
    pub fn cmd(&self, command: &str) -> Result<String, CommandError> {
        self.cmd_within(command, COMMAND_TIMEOUT)
    }

    /// [`cmd`](Self::cmd) with a time of its own.
    ///
    /// # Errors
    /// [`CommandError::Failed`] if its exit status is not 0.
    pub fn cmd_within(&self, command: &str, timeout: Duration) -> Result<String, CommandError> {
        self.0
            .cmd(command, milliseconds(timeout))
            .map_err(|error| CommandError::new(command, error))
    }

    /// Runs a command, at most a minute, and gives its exit status and what it printed.
    ///
    /// # Errors
    /// [`Error`] if the command could not be run to its end.
    pub fn cmd_status_output(&self, command: &str) -> Result<CommandOutput, Error> {
        self.cmd_status_output_within(command, COMMAND_TIMEOUT)
    }

    /// [`cmd_status_output`](Self::cmd_status_output) with a time of its own.
    ///
    /// # Errors
    /// [`Error`] if the command could not be run to its end.
    pub fn cmd_status_output_within(
        &self,
        command: &str,
        timeout: Duration,
    ) -> Result<CommandOutput, Error> {
        Ok(self
            .0
            .cmd_status_output(command, milliseconds(timeout))?
            .into())
    }

    /// Starts a command beside the shell, in a shell of its own.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on a serial session.
    pub fn start(&self, command: &str) -> Result<Job, Error> {
        Ok(Job::new(self.0.start(command)?))
    }

    /// Types a line.
    ///
    /// # Errors
    /// [`Error::Gone`] if the session is dead.
    pub fn send_line(&self, line: &str) -> Result<(), Error> {
        Ok(self.0.send_line(line)?)
    }

    /// Reads until one of the regular expressions matches what came since the last read.
    ///
    /// # Errors
    /// [`Error::TimedOut`] with the last output; [`Error::Invalid`] for a bad pattern.
    pub fn read_until(&self, patterns: &[&str], timeout: Duration) -> Result<Match, Error> {
        let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        let found = self.0.read_until(&patterns, milliseconds(timeout))?;
        Ok(Match {
            index: found.index as usize,
            before: found.before,
            matched: found.matched,
        })
    }

    /// Closes the session now; dropping it does the same.
    pub fn close(self) {
        self.0.close();
    }
}
