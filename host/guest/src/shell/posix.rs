//! Commands of a POSIX shell, between two markers.

use super::returns::Returns;
use super::{CommandOutput, Shell, token};
use crate::error::{ERROR_OUTPUT_LIMIT, Error, Result};
use crate::escapes::tail_lossy;
use crate::expect::RawMatch;
use crate::limit::Limit;
use crate::pattern::Pattern;
use crate::script;

/// A command that has begun to run.
pub(super) struct Begun {
    token: String,
    /// What may end it: its end marker, the exit of the shell, the prompt.
    pub(super) ends: [Pattern; 3],
    pub(super) returns: Returns,
    /// It has ended already, with so much output that it pushed the begin marker out of the buffer before anybody looked.
    pub(super) ended: Option<RawMatch>,
}

impl Shell {
    pub(super) async fn run_posix(
        &mut self,
        command: &str,
        limit: Limit,
        nudge: bool,
    ) -> Result<CommandOutput> {
        let mut begun = self.begin(command, limit).await?;
        let mut ended = match begun.ended.take() {
            Some(ended) => ended,
            None if nudge => self.await_end_with_nudges(&begun.ends, limit).await?,
            None => self.expect.read_until_raw(&begun.ends, limit).await?,
        };
        let status = self.status_of(&begun, &ended, limit).await?;
        let mut output = begun.returns.clean(std::mem::take(&mut ended.before));
        output.extend(begun.returns.rest());
        Ok(CommandOutput {
            status,
            signal: None,
            output: String::from_utf8_lossy(&output).into_owned(),
            dropped: ended.dropped,
        })
    }

    /// Types a command and waits for its begin marker.
    pub(super) async fn begin(&mut self, command: &str, limit: Limit) -> Result<Begun> {
        let token = token();
        let body = self.deliver(command, limit).await?;
        self.expect.drain();
        self.type_line(&script::run(&token, &body, self.terminal_changed))
            .await?;
        let ends = [
            self.markers.end(&token)?,
            self.markers.exit()?,
            self.own_prompt.clone(),
        ];
        let first = [
            self.markers.begin(&token)?,
            ends[1].clone(),
            ends[0].clone(),
        ];
        let found = self.expect.read_until_raw(&first, limit).await?;
        let marker = self.markers.mend(&found.matched);
        let returns = marker.iter().filter(|b| **b == b'\r').count();
        let ended = match found.index {
            0 => None,
            1 => return Err(self.exited(&found)),
            _ => Some(RawMatch { index: 0, ..found }),
        };
        let returns = Returns::new(if ended.is_none() { returns } else { 0 });
        Ok(Begun {
            token,
            ends,
            returns,
            ended,
        })
    }

    /// What ended a command tells its status.
    pub(super) async fn status_of(
        &mut self,
        begun: &Begun,
        ended: &RawMatch,
        limit: Limit,
    ) -> Result<i32> {
        match ended.index {
            0 => {
                let marker = self.markers.mend(&ended.matched);
                self.prompts_owed += 1;
                self.terminal_changed = marker.ends_with(b"\r\n");
                Ok(number(&marker, 2).unwrap_or(-1))
            }
            1 => Err(self.exited(ended)),
            // The shell is back at its prompt without an end marker: it gave up on the whole line (an error that ash and
            // bash do not confine to `eval`, an interrupt), or a busy port has lost a part of the marker.
            _ => self.status_after_abort(&begun.token, limit).await,
        }
    }

    /// Waits for the end of a command on a line that may lose bytes: in a silence an empty line is typed, so that the prompt
    /// comes again.
    async fn await_end_with_nudges(&mut self, ends: &[Pattern], limit: Limit) -> Result<RawMatch> {
        let mut seen = self.expect.received();
        loop {
            let patience = limit.within(super::command::NUDGE);
            match self.expect.read_until_raw(ends, patience).await {
                Err(Error::NoMatch { .. }) if !limit.is_over() => {}
                other => return other,
            }
            let received = self.expect.received();
            if received == seen {
                self.type_line("").await?;
                self.prompts_owed += 1;
            }
            seen = self.expect.received().max(received);
        }
    }

    /// Makes the command known to the shell: a word to be typed, or the name of where it was stored piece by piece.
    async fn deliver(&mut self, command: &str, limit: Limit) -> Result<String> {
        self.prompts_owed = 0;
        if script::is_typable(command) {
            return Ok(script::quote(command));
        }
        for (i, piece) in script::pieces(command).into_iter().enumerate() {
            let token = token();
            let stored = [self.markers.stored(&token)?];
            self.type_line(&script::store_piece(&token, piece, i == 0))
                .await?;
            self.expect.read_until_raw(&stored, limit).await?;
        }
        Ok(script::STORED.to_owned())
    }

    async fn status_after_abort(&mut self, token: &str, limit: Limit) -> Result<i32> {
        let answer = self.probe(limit).await?;
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

    /// The error for a shell whose exit marker was found.
    fn exited(&self, found: &RawMatch) -> Error {
        Error::Gone {
            reason: "the shell has exited".to_owned(),
            status: number(&self.markers.mend(&found.matched), 2),
            output: tail_lossy(&found.before, ERROR_OUTPUT_LIMIT),
        }
    }
}

/// The number in the n-th field of a marker.
pub(super) fn number(marker: &[u8], field: usize) -> Option<i32> {
    marker
        .split(|b| *b == b':')
        .nth(field)
        .and_then(|f| digits(&String::from_utf8_lossy(f)))
}

/// The number at the beginning of a text.
pub(super) fn digits(text: &str) -> Option<i32> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '-'))
        .unwrap_or(text.len());
    text[..end].parse().ok()
}
