//! The shell as a terminal: lines typed, output awaited.

use std::time::Duration;

use super::Shell;
use crate::error::Result;
use crate::expect::Match;
use crate::keys;
use crate::limit::Limit;
use crate::pattern::Pattern;
use crate::record::OutputListener;

/// How long the prompt may lag behind the end of a command before it is taken for changed by the user.
const PROMPT_LAG: Duration = Duration::from_secs(1);

impl Shell {
    /// Reads the prompts that still belong to the last command, so that [`Shell::read_until_prompt`] waits for a new one.
    async fn settle(&mut self) {
        let prompt = [self.own_prompt.clone()];
        let limit = Limit::after(PROMPT_LAG);
        for _ in 0..std::mem::take(&mut self.prompts_owed) {
            if self.expect.read_until_raw(&prompt, limit).await.is_err() {
                tracing::debug!("the prompt of the shell is not the one it was given");
            }
        }
    }

    pub(super) async fn type_line(&mut self, text: &str) -> Result<()> {
        let line = format!("{text}{}", self.options.linesep);
        self.expect.send(line.as_bytes()).await
    }

    /// Types a line and does not wait for anything (`sendline` of the reference). A line longer than 4095 bytes is cut by
    /// the guest's terminal.
    ///
    /// # Errors
    /// [`Error::Gone`](crate::Error::Gone), [`Error::Write`](crate::Error::Write).
    pub async fn send_line(&mut self, line: &str) -> Result<()> {
        self.settle().await;
        self.type_line(line).await
    }

    /// Sends bytes as they are, e.g. control characters.
    ///
    /// # Errors
    /// [`Error::Gone`](crate::Error::Gone), [`Error::Write`](crate::Error::Write).
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.settle().await;
        self.expect.send(bytes).await
    }

    /// Sends a control character by its name (`send_ctrl` and `sendcontrol` of the reference): `ctrl+c`, `ctrl-c`, `^C` or
    /// `c`.
    ///
    /// # Errors
    /// [`Error::InvalidKey`](crate::Error::InvalidKey), and see [`Shell::send`].
    pub async fn send_ctrl(&mut self, key: &str) -> Result<()> {
        let key = keys::control(key)?;
        self.send(&[key]).await
    }

    /// Waits for one of the patterns, see [`Expect::read_until`](crate::Expect::read_until).
    ///
    /// # Errors
    /// [`Error::NoMatch`](crate::Error::NoMatch), [`Error::Gone`](crate::Error::Gone).
    pub async fn read_until(&mut self, patterns: &[Pattern], timeout: Duration) -> Result<Match> {
        self.settle().await;
        self.expect.read_until(patterns, timeout).await
    }

    /// Waits for a prompt (the shell's own, or `shell_prompt` in the last line) and returns the output before it
    /// (`read_up_to_prompt` of the reference).
    ///
    /// # Errors
    /// [`Error::NoMatch`](crate::Error::NoMatch), [`Error::Gone`](crate::Error::Gone).
    pub async fn read_until_prompt(&mut self, timeout: Duration) -> Result<String> {
        let prompts = [self.own_prompt.clone(), self.any_prompt.clone()];
        Ok(self.read_until(&prompts, timeout).await?.before)
    }

    /// Reads until nothing more comes, see [`Expect::read_until_quiet`](crate::Expect::read_until_quiet).
    pub async fn read_until_quiet(&mut self, quiet: Duration, timeout: Duration) -> String {
        self.settle().await;
        self.expect.read_until_quiet(quiet, timeout).await
    }

    /// Reads what is there now.
    pub async fn drain(&mut self) -> String {
        self.settle().await;
        self.expect.drain()
    }

    /// Everything that came since the session began, see [`Expect::output`](crate::Expect::output).
    #[must_use]
    pub fn output(&self) -> (String, u64) {
        self.expect.output()
    }

    /// Hands every line that comes from now on to a listener, see [`Expect::on_output`](crate::Expect::on_output).
    pub fn on_output(&self, listener: Option<OutputListener>) {
        self.expect.on_output(listener);
    }
}
