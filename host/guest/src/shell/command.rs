//! Commands with output and status.

use std::time::Duration;

use tokio::time::Instant;

use super::{Shell, State, Wire};
use crate::adapter::Dialect;
use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::limit::Limit;
use crate::script;

/// After so long a silence [`Shell::cmd_output_safe`] types an empty line on a console.
pub(super) const NUDGE: Duration = Duration::from_secs(5);

/// What a command left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutput {
    /// The exit status as the shell's `$?` shows it: a program that a signal ended has 128 plus the signal's number.
    pub status: i32,
    /// The name of the signal, without `SIG`, where the carrier tells it (jobs only).
    pub signal: Option<String>,
    /// Standard output and standard error in the order of their arrival, lossily decoded.
    pub output: String,
    /// How many bytes are missing at the start of `output` because there was more than the buffer holds (8 MiB).
    pub dropped: u64,
}

impl Shell {
    /// Runs a command and returns its output, whatever its status.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`].
    pub async fn cmd_output(&mut self, command: &str, timeout: Duration) -> Result<String> {
        Ok(self.execute(command, timeout, false, false).await?.output)
    }

    /// Like [`Shell::cmd_output`], for a console that loses bytes: when nothing comes for five seconds, an empty line is
    /// typed, so that a prompt that was lost comes again. The command may see that line on its standard input. On other
    /// carriers nothing is lost, and nothing typed.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`].
    pub async fn cmd_output_safe(&mut self, command: &str, timeout: Duration) -> Result<String> {
        let nudge = self.wire == Wire::Console;
        Ok(self.execute(command, timeout, false, nudge).await?.output)
    }

    /// Runs a command and returns its status.
    ///
    /// # Errors
    /// See [`Shell::cmd_status_output`].
    pub async fn cmd_status(&mut self, command: &str, timeout: Duration) -> Result<i32> {
        Ok(self.cmd_status_output(command, timeout).await?.status)
    }

    /// Runs a command that must succeed and returns its output.
    ///
    /// # Errors
    /// [`Error::CommandFailed`] for a status other than 0, and see [`Shell::cmd_status_output`].
    pub async fn cmd(&mut self, command: &str, timeout: Duration) -> Result<String> {
        let CommandOutput { status, output, .. } = self.cmd_status_output(command, timeout).await?;
        if status == 0 {
            Ok(output)
        } else {
            let output = tail_lossy(output.as_bytes(), ERROR_OUTPUT_LIMIT);
            Err(Error::CommandFailed {
                command: shorten(command),
                status,
                output,
            })
        }
    }

    /// Runs a command, of any length and any number of lines, and returns its status and output, both exact in a POSIX
    /// shell (see [`Dialect`] for others). Output that nobody read before is dropped (the transcript keeps it).
    ///
    /// After a timeout the program is interrupted (Ctrl-C, then Ctrl-\), which may take five seconds more; the error says
    /// whether it let go. If not, the next command tries again and reports [`Error::Unusable`] if that fails too.
    ///
    /// # Errors
    /// [`Error::CommandTimeout`] with the output so far; [`Error::Gone`], with the status where it is known, if the command
    /// ends the shell (`exit`, `exec`) or the connection is lost; [`Error::InvalidCommand`]; [`Error::Unusable`];
    /// [`Error::Unsupported`] if the shell has no way to tell a status.
    pub async fn cmd_status_output(
        &mut self,
        command: &str,
        timeout: Duration,
    ) -> Result<CommandOutput> {
        self.execute(command, timeout, true, false).await
    }

    async fn execute(
        &mut self,
        command: &str,
        timeout: Duration,
        wants_status: bool,
        nudge: bool,
    ) -> Result<CommandOutput> {
        self.enter(command).await?;
        let limit = Limit::after(timeout);
        let result = match self.options.dialect {
            Dialect::Posix => self.run_posix(command, limit, nudge).await,
            Dialect::Cmd | Dialect::Prompt => {
                self.run_at_prompt(command, limit, wants_status).await
            }
        };
        self.leave(command, timeout, result).await
    }

    /// Makes sure that a command can be given, and that it counts as lost until it has ended: should the caller drop the
    /// future half way, the next command brings the shell back.
    pub(super) async fn enter(&mut self, command: &str) -> Result<()> {
        script::check(command)?;
        self.regain().await?;
        self.state = State::Lost {
            since: Instant::now(),
        };
        Ok(())
    }

    /// Draws the conclusions from how a command ended, and interrupts one that has not.
    pub(super) async fn leave<T>(
        &mut self,
        command: &str,
        timeout: Duration,
        result: Result<T>,
    ) -> Result<T> {
        match result {
            Ok(_) | Err(Error::Unsupported { .. }) => self.state = State::Ready,
            Err(Error::NoMatch { output, .. }) => {
                self.expect.drain();
                self.interrupt().await?;
                return Err(Error::CommandTimeout {
                    command: shorten(command),
                    timeout,
                    output,
                    usable: matches!(self.state, State::Ready),
                });
            }
            Err(Error::Gone {
                ref reason, status, ..
            }) => {
                self.state = State::Ended {
                    reason: reason.clone(),
                    status,
                };
            }
            Err(Error::Sink { .. }) => self.interrupt().await?,
            Err(_) => {}
        }
        result
    }
}

/// A command as error messages show it.
pub(super) fn shorten(command: &str) -> String {
    match command.char_indices().nth(200) {
        Some((cut, _)) => format!("{}...", &command[..cut]),
        None => command.to_owned(),
    }
}
