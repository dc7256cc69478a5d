//! A shell at the other end of a terminal, under control: commands with exact status and output.
//!
//! One engine serves ssh and serial. After login the shell is told once to stop echoing, editing lines, paging and
//! decorating its prompt, and the terminal to leave output alone. A command is then typed as one quoted argument of `eval`
//! between two markers that carry a fresh random token: what stands between them is the output, byte for byte, and the end
//! marker carries the status. Tested with bash, dash and busybox ash.

mod command;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapter::LINUX;
use crate::error::{Error, Result};
use crate::expect::{Expect, Match};
use crate::pattern::Pattern;
use crate::script;

pub use command::CommandOutput;

/// The time a command gets if the caller has no opinion, as in the reference.
pub const DEFAULT_COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an interrupted program may take to die.
const INTERRUPT_GRACE: Duration = Duration::from_secs(3);

/// How long the prompt may lag behind the end of a command before it is taken for changed by the user.
const PROMPT_LAG: Duration = Duration::from_secs(1);

/// How a shell is spoken to: the parameters `shell_prompt` and `shell_linesep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellOptions {
    /// A regular expression for the prompt of the login shell, and of programs started from it, in the last non-empty line.
    pub prompt: String,
    /// What ends a line.
    pub linesep: String,
}

impl Default for ShellOptions {
    fn default() -> Self {
        Self {
            prompt: LINUX.shell_prompt.to_owned(),
            linesep: LINUX.shell_linesep.to_owned(),
        }
    }
}

enum State {
    Ready,
    /// A command was given up on, and the shell has not been seen since.
    Lost {
        since: Instant,
    },
    Ended {
        reason: String,
        status: Option<i32>,
    },
}

/// A login shell under control. Everything a command changes in it (directory, variables, functions) stays for the next
/// one, as in the reference, where one session is one interactive shell.
///
/// Commands have the terminal as their standard input, as in the reference: one that reads it waits for
/// [`Shell::send_line`] of nobody and runs into its timeout.
pub struct Shell {
    expect: Expect,
    options: ShellOptions,
    tag: String,
    state: State,
    /// A prompt that the shell has printed or will print soon and that nobody has read.
    prompt_owed: bool,
    /// Somebody changed the terminal: it must be set again before the next command.
    terminal_changed: bool,
    own_prompt: Pattern,
    any_prompt: Pattern,
}

impl Shell {
    /// Brings a login shell under control. The shell may be at its prompt or still starting; the settings are typed again
    /// if they are lost on the way.
    ///
    /// # Errors
    /// [`Error::ShellNotReady`] after `timeout`, [`Error::Gone`], [`Error::InvalidPattern`].
    pub async fn take_over(
        expect: Expect,
        options: ShellOptions,
        timeout: Duration,
    ) -> Result<Self> {
        let mut shell = Self::new(expect, options)?;
        shell.settle_in(timeout).await?;
        Ok(shell)
    }

    /// Like [`Shell::take_over`] for something that may not be a shell: gives the stream back if it does not react.
    pub(crate) async fn prove(
        expect: Expect,
        options: ShellOptions,
        timeout: Duration,
    ) -> Result<std::result::Result<Self, Expect>> {
        let mut shell = Self::new(expect, options)?;
        match shell.settle_in(timeout).await {
            Ok(()) => Ok(Ok(shell)),
            Err(Error::ShellNotReady { .. }) => Ok(Err(shell.expect)),
            Err(error) => Err(error),
        }
    }

    fn new(expect: Expect, options: ShellOptions) -> Result<Self> {
        let tag = token();
        Ok(Self {
            own_prompt: Pattern::new(&format!(r"{}\z", script::prompt_pattern(&tag)))?,
            any_prompt: Pattern::last_line(&options.prompt)?,
            expect,
            options,
            state: State::Ready,
            prompt_owed: true,
            terminal_changed: false,
            tag,
        })
    }

    async fn settle_in(&mut self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let ready = [Pattern::new(&script::ready_pattern(&self.tag))?];
        for attempt in 0_u32.. {
            if attempt >= 2 {
                // Twice unheard: a half-typed line or a waiting program is in the way. Not earlier, since this would also
                // cut off a slow profile script.
                self.expect.send(b"\x03").await?;
            }
            self.type_line(&script::settings(&self.tag)).await?;
            let patience =
                deadline.min(Instant::now() + Duration::from_secs(5 * u64::from(attempt + 1)));
            match self.expect.read_until_raw(&ready, patience, timeout).await {
                Err(Error::NoMatch { .. }) if Instant::now() < deadline => {}
                Err(Error::NoMatch { output, .. }) => {
                    return Err(Error::ShellNotReady { timeout, output });
                }
                other => return other.map(drop),
            }
        }
        Ok(())
    }

    /// Asks for a sign of life and returns the answer.
    async fn probe(&mut self, deadline: Instant, timeout: Duration) -> Result<Vec<u8>> {
        let token = token();
        self.type_line(&script::probe(&token)).await?;
        let pattern = [Pattern::new(&script::probe_pattern(&token))?];
        let answer = self
            .expect
            .read_until_raw(&pattern, deadline, timeout)
            .await?;
        self.prompt_owed = true;
        Ok(answer.matched)
    }

    /// Makes the running program let go of the shell.
    async fn interrupt(&mut self) -> Result<()> {
        let prompts = [self.own_prompt.clone(), self.any_prompt.clone()];
        for (key, grace) in [
            (b"\x03", INTERRUPT_GRACE),
            (b"\x1c", INTERRUPT_GRACE * 2 / 3),
        ] {
            self.expect.send(key).await?;
            let deadline = Instant::now() + grace;
            match self.expect.read_until_raw(&prompts, deadline, grace).await {
                Ok(_) if self.probe(deadline, grace).await.is_ok() => {
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
    async fn regain(&mut self) -> Result<()> {
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

    /// Reads the prompt that still belongs to the last command, so that [`Shell::read_until_prompt`] waits for a new one.
    async fn settle(&mut self) {
        if std::mem::take(&mut self.prompt_owed) {
            let prompt = [self.own_prompt.clone()];
            if self
                .expect
                .read_until_raw(&prompt, Instant::now() + PROMPT_LAG, PROMPT_LAG)
                .await
                .is_err()
            {
                tracing::debug!("the prompt of the shell is not the one it was given");
            }
        }
    }

    async fn type_line(&mut self, text: &str) -> Result<()> {
        let line = format!("{text}{}", self.options.linesep);
        self.expect.send(line.as_bytes()).await
    }

    /// Types a line and does not wait for anything (`sendline` of the reference). A line longer than 4095 bytes is cut by
    /// the guest's terminal.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::Write`].
    pub async fn send_line(&mut self, line: &str) -> Result<()> {
        self.settle().await;
        self.type_line(line).await
    }

    /// Sends bytes as they are, e.g. control characters.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::Write`].
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.settle().await;
        self.expect.send(bytes).await
    }

    /// Waits for one of the patterns, see [`Expect::read_until`].
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::Gone`].
    pub async fn read_until(&mut self, patterns: &[Pattern], timeout: Duration) -> Result<Match> {
        self.settle().await;
        self.expect.read_until(patterns, timeout).await
    }

    /// Waits for a prompt (the shell's own, or `shell_prompt` in the last line) and returns the output before it.
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::Gone`].
    pub async fn read_until_prompt(&mut self, timeout: Duration) -> Result<String> {
        let prompts = [self.own_prompt.clone(), self.any_prompt.clone()];
        Ok(self.read_until(&prompts, timeout).await?.before)
    }

    /// Reads until nothing more comes, see [`Expect::read_until_quiet`].
    pub async fn read_until_quiet(&mut self, quiet: Duration, timeout: Duration) -> String {
        self.settle().await;
        self.expect.read_until_quiet(quiet, timeout).await
    }

    /// Reads what is there now.
    pub async fn drain(&mut self) -> String {
        self.settle().await;
        self.expect.drain()
    }

    /// True if the shell answers within `timeout`; false also while a program started by [`Shell::send_line`] runs (which
    /// may then see the question on its standard input).
    pub async fn is_responsive(&mut self, timeout: Duration) -> bool {
        if self.has_ended() {
            return false;
        }
        let alive = self.probe(Instant::now() + timeout, timeout).await.is_ok();
        if alive {
            self.state = State::Ready;
        }
        alive
    }

    /// True once the shell has exited or its stream has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. }) || self.expect.has_ended()
    }

    /// Closes the stream to the shell.
    pub async fn close(&mut self) {
        if !matches!(self.state, State::Ended { .. }) {
            self.state = State::Ended {
                reason: "the session was closed by the host".to_owned(),
                status: None,
            };
        }
        self.expect.close().await;
    }
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell")
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

/// A word nobody has used before: the standard library's hash keys are random for each process and differ for each call.
pub(crate) fn token() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
