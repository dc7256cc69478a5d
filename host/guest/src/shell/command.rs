//! Commands with exact output and status.

use std::time::Duration;

use tokio::time::Instant;

use super::{Shell, State, token};
use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::expect::RawMatch;
use crate::pattern::Pattern;
use crate::script;

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
        Ok(self.cmd_status_output(command, timeout).await?.output)
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

    /// Runs a command, of any length and any number of lines, and returns its exact status and output. Output that nobody
    /// read before is dropped (the transcript keeps it).
    ///
    /// After a timeout the program is interrupted (Ctrl-C, then Ctrl-\), which may take five seconds more; if it does not
    /// let go, the next command tries again and reports [`Error::Unusable`] if that fails too.
    ///
    /// # Errors
    /// [`Error::CommandTimeout`] with the output so far; [`Error::Gone`], with the status where it is known, if the command
    /// ends the shell (`exit`, `exec`) or the connection is lost; [`Error::InvalidCommand`]; [`Error::Unusable`].
    pub async fn cmd_status_output(
        &mut self,
        command: &str,
        timeout: Duration,
    ) -> Result<CommandOutput> {
        script::check(command)?;
        self.regain().await?;
        // Should the caller drop this future half way, the next command finds the shell lost and brings it back.
        self.state = State::Lost {
            since: Instant::now(),
        };
        let result = self.run(command, timeout).await;
        match result {
            Ok(_) => self.state = State::Ready,
            Err(Error::NoMatch { output, .. }) => {
                self.expect.drain();
                self.interrupt().await?;
                return Err(Error::CommandTimeout {
                    command: shorten(command),
                    timeout,
                    output,
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
            Err(_) => {}
        }
        result
    }

    async fn run(&mut self, command: &str, timeout: Duration) -> Result<CommandOutput> {
        let deadline = Instant::now() + timeout;
        let token = token();
        let body = self.deliver(command, deadline, timeout).await?;
        self.expect.drain();
        self.type_line(&script::run(&token, &body, self.terminal_changed))
            .await?;

        let exit_pattern = Pattern::new(&script::exit_pattern(&self.tag))?;
        let end_pattern = Pattern::new(&script::end_pattern(&token))?;
        let begin = [
            Pattern::new(&script::begin_pattern(&token))?,
            exit_pattern.clone(),
            end_pattern.clone(),
        ];
        let begun = self
            .expect
            .read_until_raw(&begin, deadline, timeout)
            .await?;
        let carriage_returns = begun.matched.iter().filter(|b| **b == b'\r').count();
        let ended = match begun.index {
            0 => {
                let end = [end_pattern, exit_pattern, self.own_prompt.clone()];
                self.expect.read_until_raw(&end, deadline, timeout).await?
            }
            1 => return Err(exited(&begun)),
            // So much output came at once that it pushed the begin marker out of the buffer before anybody looked.
            _ => RawMatch { index: 0, ..begun },
        };
        let status = match ended.index {
            0 => {
                self.prompt_owed = true;
                self.terminal_changed = ended.matched.ends_with(b"\r\n");
                number(&ended.matched, 2)
            }
            1 => return Err(exited(&ended)),
            // The shell is back at its prompt without an end marker: it gave up on the whole line (an error that ash and
            // bash do not confine to `eval`, an interrupt), or a message of the kernel tore the marker apart.
            _ => Some(self.status_after_abort(&token, deadline, timeout).await?),
        };
        let output = undo_carriage_returns(ended.before, carriage_returns);
        Ok(CommandOutput {
            status: status.unwrap_or(-1),
            signal: None,
            output: String::from_utf8_lossy(&output).into_owned(),
            dropped: ended.dropped,
        })
    }

    /// Makes the command known to the shell: a word to be typed, or the name of where it was stored piece by piece.
    async fn deliver(
        &mut self,
        command: &str,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<String> {
        if script::is_typable(command) {
            return Ok(script::quote(command));
        }
        for (i, piece) in script::pieces(command).into_iter().enumerate() {
            let token = token();
            self.type_line(&script::store_piece(&token, piece, i == 0))
                .await?;
            let stored = [Pattern::new(&script::ready_pattern(&token))?];
            self.expect
                .read_until_raw(&stored, deadline, timeout)
                .await?;
        }
        Ok(script::STORED.to_owned())
    }

    async fn status_after_abort(
        &mut self,
        token: &str,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<i32> {
        let answer = self.probe(deadline, timeout).await?;
        let mut fields = answer
            .split(|b| *b == b':')
            .skip(2)
            .map(|f| String::from_utf8_lossy(f).into_owned());
        let (last, kept_token, kept) = (fields.next(), fields.next(), fields.next());
        let status = if kept_token.as_deref() == Some(token) {
            kept
        } else {
            last
        };
        Ok(status.and_then(|s| digits(&s)).unwrap_or(-1))
    }
}

/// The error for a shell whose exit marker was found.
fn exited(found: &RawMatch) -> Error {
    Error::Gone {
        reason: "the shell has exited".to_owned(),
        status: number(&found.matched, 2),
        output: tail_lossy(&found.before, ERROR_OUTPUT_LIMIT),
    }
}

/// The number in the n-th field of a marker.
fn number(marker: &[u8], field: usize) -> Option<i32> {
    marker
        .split(|b| *b == b':')
        .nth(field)
        .and_then(|f| digits(&String::from_utf8_lossy(f)))
}

fn digits(text: &str) -> Option<i32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

fn undo_carriage_returns(output: Vec<u8>, count: usize) -> Vec<u8> {
    if count == 0 {
        return output;
    }
    let mut clean = Vec::with_capacity(output.len());
    for line in output.split_inclusive(|b| *b == b'\n') {
        let added = line
            .len()
            .checked_sub(count + 1)
            .filter(|_| line.ends_with(b"\n"));
        match added {
            Some(keep) if line[keep..line.len() - 1].iter().all(|b| *b == b'\r') => {
                clean.extend_from_slice(&line[..keep]);
                clean.push(b'\n');
            }
            _ => clean.extend_from_slice(line),
        }
    }
    clean
}

fn shorten(command: &str) -> String {
    match command.char_indices().nth(200) {
        Some((cut, _)) => format!("{}...", &command[..cut]),
        None => command.to_owned(),
    }
}
