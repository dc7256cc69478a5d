//! Login on a console: the dialogue of `getty` and `login`, on any byte stream (`wait_for_serial_login` of the guide), and by
//! telnet.

mod dialogue;

use std::time::Duration;

use crate::adapter::{LINUX, LoginPatterns};
use crate::error::Result;
use crate::expect::Expect;
use crate::limit::Limit;
use crate::shell::{Shell, ShellOptions, Wire};
use crate::transcript::Transcript;
use crate::transport::Transport;

use dialogue::Dialogue;

/// The console is nudged with an empty line after so long a silence: the prompt may have come before we listened, or have
/// been overwritten by messages of the kernel.
const NUDGE: Duration = Duration::from_secs(3);

/// How long the guest may take to ask for the password: `login` has to be started for it.
const QUESTION: Duration = Duration::from_secs(10);

/// How long what looks like a prompt gets to prove that it is one.
const PROOF: Duration = Duration::from_secs(15);

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
/// [`Error::SerialLoginRefused`](crate::Error::SerialLoginRefused) as soon as the guest refuses,
/// [`Error::SerialLogin`](crate::Error::SerialLogin) with the last console text after the timeout,
/// [`Error::Gone`](crate::Error::Gone) if the stream ends, [`Error::InvalidPattern`](crate::Error::InvalidPattern).
pub async fn login(
    transport: Transport,
    spec: &LoginSpec,
    transcript: Option<Transcript>,
) -> Result<Shell> {
    if let Some(transcript) = &transcript {
        transcript.hide(&spec.password);
    }
    login_on(Expect::new(transport, transcript), spec).await
}

/// Like [`login`], on a console that was read before.
///
/// # Errors
/// See [`login`].
pub async fn login_on(expect: Expect, spec: &LoginSpec) -> Result<Shell> {
    converse(expect, spec, CONSOLE).await
}

/// The same dialogue by telnet.
pub(crate) async fn login_by_telnet(
    transport: Transport,
    spec: &LoginSpec,
    transcript: Option<Transcript>,
) -> Result<Shell> {
    if let Some(transcript) = &transcript {
        transcript.hide(&spec.password);
    }
    converse(Expect::new(transport, transcript), spec, TELNET).await
}

/// What differs between the carriers of the dialogue.
#[derive(Clone, Copy)]
struct Manner {
    carrier: &'static str,
    wire: Wire,
    /// After so long a silence an empty line is typed.
    nudge: Duration,
    /// The first empty line is typed at once: nobody greets on a console that was left at a prompt.
    speaks_first: bool,
}

const CONSOLE: Manner = Manner {
    carrier: "serial",
    wire: Wire::Console,
    nudge: NUDGE,
    speaks_first: true,
};

/// A telnet server greets. An empty line may be an answer to a question that is still on its way, an empty user name.
const TELNET: Manner = Manner {
    carrier: "telnet",
    wire: Wire::Terminal,
    nudge: QUESTION,
    speaks_first: false,
};

async fn converse(mut expect: Expect, spec: &LoginSpec, manner: Manner) -> Result<Shell> {
    let mut dialogue = Dialogue::new(spec, manner)?;
    let limit = Limit::after(spec.timeout);
    if manner.speaks_first {
        dialogue.type_line(&mut expect, "").await?;
    }
    loop {
        dialogue.reach_prompt(&mut expect, limit).await?;
        let proof = limit.within(PROOF).left();
        match Shell::prove(expect, spec.shell.clone(), manner.wire, proof).await? {
            Ok(shell) => return Ok(shell),
            Err(unproven) => expect = unproven,
        }
        // What looked like a prompt was the output of something else.
        dialogue.resume(&mut expect).await?;
    }
}
