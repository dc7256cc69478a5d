//! The way back to a shell that was lost: a program that does not end is interrupted, a sign of life asked for.

use std::time::Duration;

use super::{Shell, State, Wire, token};
use crate::adapter::Dialect;
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::script;

/// How long an interrupted program may take to die.
const INTERRUPT_GRACE: Duration = Duration::from_secs(3);

impl Shell {
    /// Asks for a sign of life and returns the answer.
    pub(super) async fn probe(&mut self, limit: Limit) -> Result<Vec<u8>> {
        if self.options.dialect != Dialect::Posix {
            return self.find_prompt(limit).await.map(|()| Vec::new());
        }
        let token = token();
        let answer = [self.markers.probe(&token)?];
        self.type_line(&script::probe(&token)).await?;
        let answer = self.expect.read_until_raw(&answer, limit).await?;
        self.prompts_owed = 1;
        Ok(self.markers.mend(&answer.matched))
    }

    /// Makes the running program let go of the shell, if it can be made to.
    pub(super) async fn interrupt(&mut self) -> Result<()> {
        if self.wire == Wire::Raw {
            // Keys would be input for the program or the shell, and no signal.
            return match self.probe(Limit::after(INTERRUPT_GRACE)).await {
                Err(error @ Error::Gone { .. }) => Err(error),
                Err(_) => Ok(()),
                Ok(_) => {
                    self.state = State::Ready;
                    Ok(())
                }
            };
        }
        let prompts = [self.own_prompt.clone(), self.any_prompt.clone()];
        for (key, grace) in [
            (b"\x03", INTERRUPT_GRACE),
            (b"\x1c", INTERRUPT_GRACE * 2 / 3),
        ] {
            self.expect.send(key).await?;
            let limit = Limit::after(grace);
            match self.expect.read_until_raw(&prompts, limit).await {
                Ok(_) if self.probe(limit).await.is_ok() => {
                    self.state = State::Ready;
                    self.terminal_changed = true;
                    return Ok(());
                }
                Err(error @ Error::Gone { .. }) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes sure that the shell listens before something new is typed.
    pub(super) async fn regain(&mut self) -> Result<()> {
        match &self.state {
            State::Ready => Ok(()),
            State::Ended { reason, status } => Err(Error::Gone {
                reason: reason.clone(),
                status: *status,
                output: self.expect.peek(),
            }),
            State::Lost { since } => {
                let since = *since;
                self.expect.drain();
                self.interrupt().await?;
                if matches!(self.state, State::Ready) {
                    return Ok(());
                }
                Err(Error::Unusable {
                    after: since.elapsed(),
                    output: self.expect.peek(),
                })
            }
        }
    }

    /// True if the shell answers within `timeout`; false also while a program started by [`Shell::send_line`] runs (which
    /// may then see the question on its standard input).
    pub async fn is_responsive(&mut self, timeout: Duration) -> bool {
        if self.has_ended() {
            return false;
        }
        let alive = self.probe(Limit::after(timeout)).await.is_ok();
        if alive {
            self.state = State::Ready;
        }
        alive
    }
}
