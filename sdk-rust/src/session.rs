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

impl From<raw::Match> for Match {
    fn from(found: raw::Match) -> Self {
        Self {
            index: found.index as usize,
            before: found.before,
            matched: found.matched,
        }
    }
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
        Ok(self.0.read_until(&patterns, milliseconds(timeout))?.into())
    }

    /// Runs a command, at most a minute, and gives what it printed, whatever its exit status. Similar to
    /// `session.cmd_output()`.
    ///
    /// # Errors
    /// [`Error`] if the command could not be run to its end.
    pub fn cmd_output(&self, command: &str) -> Result<String, Error> {
        Ok(self.cmd_status_output(command)?.output)
    }

    /// Runs a command, at most a minute, and gives its exit status. Similar to `session.cmd_status()`.
    ///
    /// # Errors
    /// [`Error`] if the command could not be run to its end.
    pub fn cmd_status(&self, command: &str) -> Result<i32, Error> {
        Ok(self.cmd_status_output(command)?.status)
    }

    /// Sends bytes as they are, as `b"\x03"` for ctrl-c: at most 64 KiB.
    ///
    /// # Errors
    /// [`Error::Gone`] if the session is dead.
    pub fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.0.send(bytes)?)
    }

    /// Reads until one of the regular expressions matches the last line that is not empty. Similar to
    /// `session.read_until_last_line_matches()`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] with the last output; [`Error::Invalid`] for a bad pattern.
    pub fn read_until_last_line(
        &self,
        patterns: &[&str],
        timeout: Duration,
    ) -> Result<Match, Error> {
        let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        let timeout = milliseconds(timeout);
        Ok(self.0.read_until_last_line(&patterns, timeout)?.into())
    }

    /// Reads until the prompt comes and gives what stood before it. Similar to `session.read_up_to_prompt()`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] with the last output.
    pub fn read_up_to_prompt(&self, timeout: Duration) -> Result<String, Error> {
        Ok(self.0.read_up_to_prompt(milliseconds(timeout))?)
    }

    /// What came since the last read, until nothing comes for `quiet`. Similar to `session.read_nonblocking()`.
    ///
    /// # Errors
    /// [`Error::Gone`] if the session is dead and has nothing left.
    pub fn read_nonblocking(&self, quiet: Duration, timeout: Duration) -> Result<String, Error> {
        let timeout = milliseconds(timeout);
        Ok(self.0.read_nonblocking(milliseconds(quiet), timeout)?)
    }

    /// All that came since the session began, without terminal escapes: at most the last 64 KiB. Similar to
    /// `session.get_stripped_output()`.
    pub fn output(&self) -> String {
        self.0.output()
    }

    /// Whether the shell answers. Similar to `session.is_responsive()`.
    pub fn is_responsive(&self, timeout: Duration) -> bool {
        self.0.is_responsive(milliseconds(timeout))
    }

    /// Sets the regular expression for the prompt. Similar to `session.set_prompt()`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad pattern.
    pub fn set_prompt(&self, pattern: &str) -> Result<(), Error> {
        Ok(self.0.set_prompt(pattern)?)
    }

    /// Closes the session now; dropping it does the same.
    pub fn close(self) {
        self.0.close();
    }
}
