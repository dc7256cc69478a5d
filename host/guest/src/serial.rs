//! Login on a console: the dialogue of `getty` and `login`, on any byte stream (`wait_for_serial_login` of the guide).

use std::time::Duration;

use tokio::time::Instant;

use crate::adapter::{LINUX, LoginPatterns};
use crate::error::{Error, Result};
use crate::expect::Expect;
use crate::pattern::Pattern;
use crate::shell::{Shell, ShellOptions};
use crate::transcript::Transcript;
use crate::transport::Transport;

/// The console is nudged with an empty line after so long a silence: the prompt may have come before we listened, or have
/// been overwritten by messages of the kernel.
const NUDGE: Duration = Duration::from_secs(3);

/// How long the guest may take to ask for the password: `login` has to be started for it.
const QUESTION: Duration = Duration::from_secs(10);

/// How long `login` may take to check a password: it waits for some seconds before it refuses one, and runs the profile
/// after it has accepted.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long what looks like a prompt gets to prove that it is one.
const PROOF: Duration = Duration::from_secs(15);

/// How often the dialogue may begin anew. A message of the kernel in the middle of it, or a `login` that gave up waiting,
/// costs one round; a wrong password ends it at once.
const ROUNDS: u32 = 4;

/// What a console login needs to know.
#[derive(Clone)]
pub struct LoginSpec {
    /// The parameter `username`.
    pub username: String,
    /// The parameter `password`.
    pub password: String,
    /// The parameters `shell_prompt` and `shell_linesep`.
    pub shell: ShellOptions,
    /// The prompts of the guest's login.
    pub patterns: LoginPatterns,
    /// The time for all of it, the boot of the guest included (parameter `login_timeout`).
    pub timeout: Duration,
}

impl LoginSpec {
    /// A login on Linux with default prompts.
    #[must_use]
    pub fn linux(username: &str, password: &str, timeout: Duration) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            shell: ShellOptions::default(),
            patterns: LINUX.login,
            timeout,
        }
    }
}

impl std::fmt::Debug for LoginSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginSpec")
            .field("username", &self.username)
            .field("shell", &self.shell)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Logs in on a console and brings the shell under control. The guest may still boot, show a login prompt, or have a shell
/// open from an earlier login. Messages of the kernel between and inside the lines are tolerated.
///
/// # Errors
/// [`Error::SerialLoginRefused`] as soon as the guest refuses, [`Error::SerialLogin`] with the last console text after the
/// timeout, [`Error::Gone`] if the stream ends, [`Error::InvalidPattern`].
pub async fn login(
    transport: Transport,
    spec: &LoginSpec,
    transcript: Option<Transcript>,
) -> Result<Shell> {
    login_on(Expect::new(transport, transcript), spec).await
}

/// Like [`login`], on a console that was read before.
///
/// # Errors
/// See [`login`].
pub async fn login_on(mut expect: Expect, spec: &LoginSpec) -> Result<Shell> {
    let mut dialogue = Dialogue::new(spec)?;
    let deadline = Instant::now() + spec.timeout;
    loop {
        dialogue.reach_prompt(&mut expect, deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        match Shell::prove(expect, spec.shell.clone(), PROOF.min(left)).await? {
            Ok(shell) => return Ok(shell),
            Err(unproven) => expect = unproven,
        }
        // What looked like a prompt was the output of something else.
        dialogue.console.push_str(&expect.drain());
        dialogue.stage = Stage::Start;
    }
}

/// What the dialogue waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Anything that tells where the console stands.
    Start,
    /// The user name was sent.
    UserSent,
    /// The password was sent.
    PasswordSent,
}

impl Stage {
    fn waits_for(self) -> &'static str {
        match self {
            Self::Start => "waiting for a login or shell prompt",
            Self::UserSent => "waiting for the password prompt",
            Self::PasswordSent => "waiting for the shell prompt after the password",
        }
    }
}

struct Dialogue<'a> {
    spec: &'a LoginSpec,
    /// In the order of [`Seen::ALL`].
    patterns: [Pattern; 6],
    stage: Stage,
    rounds: u32,
    /// The end of what was read, for error messages.
    console: String,
}

#[derive(Clone, Copy)]
enum Seen {
    Refusal,
    MaintenancePrompt,
    PasswordPrompt,
    UserPrompt,
    PressKey,
    ShellPrompt,
}

impl Seen {
    const ALL: [Self; 6] = [
        Self::Refusal,
        Self::MaintenancePrompt,
        Self::PasswordPrompt,
        Self::UserPrompt,
        Self::PressKey,
        Self::ShellPrompt,
    ];
}

impl<'a> Dialogue<'a> {
    fn new(spec: &'a LoginSpec) -> Result<Self> {
        let patterns = &spec.patterns;
        let prompt = format!(r"(?:{})|vthost-[0-9a-f]+# $", spec.shell.prompt);
        let patterns = [
            Pattern::new(patterns.refused)?,
            Pattern::console_line(patterns.maintenance_prompt, None)?,
            Pattern::console_line(patterns.password_prompt, None)?,
            Pattern::console_line(patterns.user_prompt, Some(patterns.not_user_prompt))?,
            Pattern::console_line(patterns.press_key, None)?,
            Pattern::console_line(&prompt, None)?,
        ];
        Ok(Self {
            spec,
            patterns,
            stage: Stage::Start,
            rounds: 0,
            console: String::new(),
        })
    }

    /// Leads the dialogue until something that looks like a shell prompt has come.
    async fn reach_prompt(&mut self, expect: &mut Expect, deadline: Instant) -> Result<()> {
        if self.stage == Stage::Start {
            self.type_line(expect, "").await?;
        }
        loop {
            let patience = match self.stage {
                Stage::Start => NUDGE,
                Stage::UserSent => QUESTION,
                Stage::PasswordSent => PATIENCE,
            };
            let until = deadline.min(Instant::now() + patience);
            let seen = match expect
                .read_until_raw(&self.patterns, until, self.spec.timeout)
                .await
            {
                Ok(found) => {
                    self.console = crate::escapes::tail_lossy(&found.before, 4096);
                    self.console
                        .push_str(&String::from_utf8_lossy(&found.matched));
                    Seen::ALL[found.index]
                }
                Err(Error::NoMatch { output, .. }) => {
                    if Instant::now() >= deadline {
                        return Err(self.timed_out(&output));
                    }
                    // Silence after user name or password: the prompt drowned, or `login` timed out. Begin anew.
                    self.begin_anew(&output)?;
                    self.type_line(expect, "").await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if matches!(seen, Seen::ShellPrompt) {
                return Ok(());
            }
            self.answer(expect, seen).await?;
        }
    }

    /// The reference's `handle_prompts`: each question is answered once; the same question again is a refusal.
    async fn answer(&mut self, expect: &mut Expect, seen: Seen) -> Result<()> {
        match (seen, self.stage) {
            (Seen::UserPrompt, Stage::Start) => {
                self.stage = Stage::UserSent;
                self.type_line(expect, &self.spec.username).await
            }
            (Seen::PasswordPrompt, Stage::UserSent)
            | (Seen::MaintenancePrompt, Stage::Start | Stage::UserSent) => {
                self.stage = Stage::PasswordSent;
                let line = format!("{}{}", self.spec.password, self.spec.shell.linesep);
                expect.send_secret(line.as_bytes()).await
            }
            (Seen::Refusal, Stage::PasswordSent) => Err(self.refused("the guest says so")),
            (Seen::UserPrompt, Stage::PasswordSent) => {
                Err(self.refused("it asks for the user name again"))
            }
            (Seen::PasswordPrompt | Seen::MaintenancePrompt, Stage::PasswordSent) => {
                Err(self.refused("it asks for another password"))
            }
            (Seen::PressKey, _) => self.type_line(expect, "").await,
            // An empty line that we sent before may have asked for this prompt: a second answer would become the password.
            (Seen::UserPrompt, Stage::UserSent) => Ok(()),
            // A question to somebody before us. Our empty line has answered it; a password typed now would be taken for a
            // user name, and shown.
            (Seen::PasswordPrompt, Stage::Start) => Ok(()),
            (Seen::Refusal | Seen::ShellPrompt, _) => Ok(()),
        }
    }

    fn begin_anew(&mut self, output: &str) -> Result<()> {
        if self.stage != Stage::Start {
            self.rounds += 1;
            if self.rounds >= ROUNDS {
                return Err(self.timed_out(output));
            }
        }
        self.stage = Stage::Start;
        Ok(())
    }

    async fn type_line(&self, expect: &mut Expect, text: &str) -> Result<()> {
        expect
            .send(format!("{text}{}", self.spec.shell.linesep).as_bytes())
            .await
    }

    fn timed_out(&self, output: &str) -> Error {
        Error::SerialLogin {
            user: self.spec.username.clone(),
            timeout: self.spec.timeout,
            stage: self.stage.waits_for().to_owned(),
            console: format!("{}{output}", self.console),
        }
    }

    fn refused(&self, reason: &'static str) -> Error {
        Error::SerialLoginRefused {
            user: self.spec.username.clone(),
            reason,
            console: self.console.clone(),
        }
    }
}
