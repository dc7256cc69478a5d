//! A shell at the other end of a terminal, under control: commands with exact status and output.
//!
//! One engine serves ssh, telnet and serial. After login a POSIX shell is told once to stop echoing, editing lines, paging
//! and decorating its prompt, and the terminal to leave output alone. A command is then typed as one quoted argument of
//! `eval` between two markers that carry a fresh random token: what stands between them is the output, byte for byte, and
//! the end marker carries the status. Tested with bash, dash and busybox ash. Other shells are spoken to at their prompt, see
//! [`Dialect`].

mod command;
mod lines;
mod posix;
mod prompt;
mod recover;
mod returns;
mod stream;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapter::{Dialect, LINUX};
use crate::error::{Error, Result};
use crate::expect::Expect;
use crate::limit::Limit;
use crate::marker::Markers;
use crate::pattern::Pattern;
use crate::script;

pub use command::CommandOutput;
pub use stream::Streamed;

/// The time a command gets if the caller has no opinion, as in the reference.
pub const DEFAULT_COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a shell may take to show that it takes orders, at first; each attempt waits longer.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// How a shell is spoken to: the parameters `shell_prompt`, `shell_linesep` and `status_test_command`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellOptions {
    /// A regular expression for the prompt of the login shell, and of programs started from it, in the last non-empty line.
    pub prompt: String,
    /// What ends a line.
    pub linesep: String,
    /// What the shell understands.
    pub dialect: Dialect,
    /// Prints the status of the last command; only [`Dialect::Prompt`] needs it. Without one the status of a command cannot
    /// be had there, its output can.
    pub status_command: String,
}

impl Default for ShellOptions {
    fn default() -> Self {
        LINUX.shell_options()
    }
}

/// What lies between the host and the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A terminal: Ctrl-C interrupts what runs.
    Terminal,
    /// A terminal that was made for this shell, and made as [`script::MODES`] says.
    Made,
    /// A terminal that the kernel writes to as well.
    Console,
    /// No terminal: nothing interrupts.
    Raw,
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
    wire: Wire,
    markers: Markers,
    state: State,
    /// How many prompts the shell has printed or will print soon that nobody has read.
    prompts_owed: u32,
    /// Somebody changed the terminal: it must be set again before the next command.
    terminal_changed: bool,
    /// The shell shows what is typed; never so for a POSIX shell under control.
    echoes: bool,
    own_prompt: Pattern,
    any_prompt: Pattern,
}

impl Shell {
    /// Brings a login shell on a terminal under control. The shell may be at its prompt or still starting; the settings are
    /// typed again if they are lost on the way.
    ///
    /// # Errors
    /// [`Error::ShellNotReady`] after `timeout`, [`Error::Gone`], [`Error::InvalidPattern`].
    pub async fn take_over(
        expect: Expect,
        options: ShellOptions,
        timeout: Duration,
    ) -> Result<Self> {
        Self::take_over_on(expect, options, Wire::Terminal, timeout).await
    }

    /// Like [`Shell::take_over`], on what is known of the wire.
    pub(crate) async fn take_over_on(
        expect: Expect,
        options: ShellOptions,
        wire: Wire,
        timeout: Duration,
    ) -> Result<Self> {
        let mut shell = Self::new(expect, options, wire)?;
        shell.settle_in(Limit::after(timeout)).await?;
        Ok(shell)
    }

    /// Like [`Shell::take_over`] for something that may not be a shell: gives the stream back if it does not react.
    pub(crate) async fn prove(
        expect: Expect,
        options: ShellOptions,
        wire: Wire,
        timeout: Duration,
    ) -> Result<std::result::Result<Self, Expect>> {
        let mut shell = Self::new(expect, options, wire)?;
        match shell.settle_in(Limit::after(timeout)).await {
            Ok(()) => Ok(Ok(shell)),
            Err(Error::ShellNotReady { .. }) => Ok(Err(shell.expect)),
            Err(error) => Err(error),
        }
    }

    fn new(expect: Expect, options: ShellOptions, wire: Wire) -> Result<Self> {
        let markers = Markers::new(&token(), wire == Wire::Console);
        Ok(Self {
            own_prompt: markers.prompt()?,
            any_prompt: prompt_pattern(&options.prompt, wire)?,
            expect,
            wire,
            state: State::Ready,
            prompts_owed: u32::from(options.dialect == Dialect::Posix),
            terminal_changed: false,
            echoes: false,
            markers,
            options,
        })
    }

    async fn settle_in(&mut self, limit: Limit) -> Result<()> {
        let ready = [self.markers.ready()?];
        for attempt in 0_u32.. {
            if attempt >= 2 && self.wire != Wire::Raw {
                // Twice unheard: a half-typed line or a waiting program is in the way. Not earlier, since this would also
                // cut off a slow profile script.
                self.expect.send(b"\x03").await?;
            }
            let patience = limit.within(FIRST_PATIENCE * (attempt + 1));
            let settled = if self.options.dialect == Dialect::Posix {
                self.settle_posix(&ready, patience).await
            } else {
                self.find_prompt(patience).await
            };
            match settled {
                Err(Error::NoMatch { .. }) if !limit.is_over() => {}
                Err(Error::NoMatch { output, .. }) => {
                    let timeout = limit.timeout;
                    return Err(Error::ShellNotReady { timeout, output });
                }
                other => return other,
            }
        }
        Ok(())
    }

    /// Types the settings and waits for the answer.
    async fn settle_posix(&mut self, ready: &[Pattern], patience: Limit) -> Result<()> {
        let made = self.wire == Wire::Made;
        let settings = script::settings(self.markers.tag(), !made);
        self.type_line(&settings).await?;
        let found = self.expect.read_until_raw(ready, patience).await?;
        // A server that does not know the modes, or a profile script that resets them.
        self.terminal_changed = made && found.matched.ends_with(b"\r\n");
        Ok(())
    }

    /// How the shell is spoken to at present.
    #[must_use]
    pub fn options(&self) -> &ShellOptions {
        &self.options
    }

    /// Changes what counts as a prompt (`set_prompt` of the reference): of programs that are started in the shell, and of the
    /// shell itself unless it is a POSIX shell, which has a prompt of ours.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`]; the old one stays then.
    pub fn set_prompt(&mut self, prompt: &str) -> Result<()> {
        self.any_prompt = prompt_pattern(prompt, self.wire)?;
        prompt.clone_into(&mut self.options.prompt);
        Ok(())
    }

    /// Changes what ends a typed line (`set_linesep` of the reference).
    pub fn set_linesep(&mut self, linesep: &str) {
        linesep.clone_into(&mut self.options.linesep);
    }

    /// Changes what prints the status of the last command (`set_status_test_command` of the reference); only
    /// [`Dialect::Prompt`] makes use of it.
    pub fn set_status_command(&mut self, command: &str) {
        command.clone_into(&mut self.options.status_command);
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
            .field("tag", &self.markers.tag())
            .finish_non_exhaustive()
    }
}

fn prompt_pattern(prompt: &str, wire: Wire) -> Result<Pattern> {
    match wire {
        Wire::Console => Pattern::console_line(prompt, None),
        Wire::Terminal | Wire::Made | Wire::Raw => Pattern::last_line(prompt),
    }
}

/// A word nobody has used before: the standard library's hash keys are random for each process and differ for each call.
pub(crate) fn token() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
