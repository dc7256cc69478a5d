//! Questions and answers of a login.

use std::time::Duration;

use super::{LoginSpec, Manner, QUESTION};
use crate::error::{Error, Result};
use crate::expect::Expect;
use crate::limit::Limit;
use crate::pattern::Pattern;

/// How long `login` may take to check a password: it waits for some seconds before it refuses one, and runs the profile
/// after it has accepted.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the dialogue may begin anew. A message of the kernel in the middle of it, or a `login` that gave up waiting,
/// costs one round; a wrong password ends it at once.
const ROUNDS: u32 = 4;

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

pub(super) struct Dialogue<'a> {
    spec: &'a LoginSpec,
    manner: Manner,
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
    pub(super) fn new(spec: &'a LoginSpec, manner: Manner) -> Result<Self> {
        let patterns = &spec.patterns;
        let prompt = format!(r"(?:{})|vthost-[0-9a-f]+# $", spec.shell.prompt);
        let patterns = [
            Pattern::new(&patterns.refused)?,
            Pattern::console_line(&patterns.maintenance_prompt, None)?,
            Pattern::console_line(&patterns.password_prompt, None)?,
            Pattern::console_line(&patterns.user_prompt, Some(&patterns.not_user_prompt))?,
            Pattern::console_line(&patterns.press_key, None)?,
            Pattern::console_line(&prompt, None)?,
        ];
        Ok(Self {
            spec,
            manner,
            patterns,
            stage: Stage::Start,
            rounds: 0,
            console: String::new(),
        })
    }

    /// Leads the dialogue until something that looks like a shell prompt has come.
    pub(super) async fn reach_prompt(&mut self, expect: &mut Expect, limit: Limit) -> Result<()> {
        loop {
            let patience = match self.stage {
                Stage::Start => self.manner.nudge,
                Stage::UserSent => QUESTION,
                Stage::PasswordSent => PATIENCE,
            };
            let found = expect.read_until_raw(&self.patterns, limit.within(patience));
            let seen = match found.await {
                Ok(found) => {
                    self.console = crate::escapes::tail_lossy(&found.before, 4096);
                    self.console
                        .push_str(&String::from_utf8_lossy(&found.matched));
                    Seen::ALL[found.index]
                }
                Err(Error::NoMatch { output, .. }) => {
                    if limit.is_over() {
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

    /// Goes on after what looked like a prompt was none.
    pub(super) async fn resume(&mut self, expect: &mut Expect) -> Result<()> {
        self.console.push_str(&expect.drain());
        self.stage = Stage::Start;
        self.type_line(expect, "").await
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

    pub(super) async fn type_line(&self, expect: &mut Expect, text: &str) -> Result<()> {
        expect
            .send(format!("{text}{}", self.spec.shell.linesep).as_bytes())
            .await
    }

    fn timed_out(&self, output: &str) -> Error {
        Error::SerialLogin {
            carrier: self.manner.carrier,
            user: self.spec.username.clone(),
            timeout: self.spec.timeout,
            stage: self.stage.waits_for().to_owned(),
            console: format!("{}{output}", self.console),
        }
    }

    fn refused(&self, reason: &'static str) -> Error {
        Error::SerialLoginRefused {
            carrier: self.manner.carrier,
            user: self.spec.username.clone(),
            reason,
            console: self.console.clone(),
        }
    }
}
