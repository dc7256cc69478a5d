//! The readiness ladder: from a guest that has just been started to a shell in it.
//!
//! A guest is not asked whether it is ready by knocking at its ssh port: behind QEMU's user network each knock is queued,
//! and a slow guest then starts an sshd for every one of them (dozens, for minutes). So the guest's own sign, usually on its
//! console, is waited for first; then there is one attempt at a time, each with time to succeed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Error, Result, chain};
use crate::session::Session;
use crate::shell::ShellOptions;
use crate::ssh::SshConnection;
use crate::target::{SshOptions, SshTarget};
use crate::transcript::Transcript;

/// The pause after a failed attempt: at first, and at most. It grows by half each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// The most the wait for a banner grows to. It grows with each silence, so that a guest too slow for the first wait is not
/// asked for ever in vain.
const LONGEST_BANNER_TIMEOUT: Duration = Duration::from_secs(20);

/// The guest's own sign that it is up.
pub struct Gate {
    /// Resolves when the sign is seen, e.g. a login prompt on the console.
    pub ready: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// After so long the ladder is climbed without the sign: a guest may have a silent console.
    pub fallback: Duration,
}

impl Gate {
    /// A gate out of any future.
    pub fn new(ready: impl Future<Output = ()> + Send + 'static, fallback: Duration) -> Self {
        Self {
            ready: Box::pin(ready),
            fallback,
        }
    }
}

/// How to climb.
pub struct Ladder {
    /// What to wait for before the first attempt.
    pub gate: Option<Gate>,
    /// Times of one attempt.
    pub ssh: SshOptions,
    /// The shell at the end.
    pub shell: ShellOptions,
    /// A guest that refuses the credentials is asked again for so long, then given up on: at the end of a boot sshd may run
    /// before PAM lets users in, but a wrong password shall not cost the whole login timeout. Default 5 s.
    pub auth_grace: Duration,
    /// The log of the session.
    pub transcript: Option<Transcript>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            gate: None,
            ssh: SshOptions::default(),
            shell: ShellOptions::default(),
            auth_grace: Duration::from_secs(5),
            transcript: None,
        }
    }
}

/// The top of the ladder.
#[derive(Debug)]
pub struct Login {
    /// The session.
    pub session: Session,
    /// How it was reached.
    pub report: LadderReport,
}

/// How far the ladder was climbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderReport {
    /// Every rung that was set foot on, from the lowest.
    pub rungs: Vec<RungReport>,
    /// The time from the first step.
    pub elapsed: Duration,
}

/// What happened on one rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungReport {
    /// Which.
    pub rung: Rung,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it failed.
    pub failures: u32,
    /// Why it failed the last time.
    pub last_reason: Option<String>,
    /// The time spent on it.
    pub spent: Duration,
}

/// How far the way into a guest has been gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The guest's own sign that it is up (its console shows a login prompt or a marker).
    Gate,
    /// TCP connection and ssh banner.
    Banner,
    /// Key exchange and authentication.
    Login,
    /// A shell under control.
    Shell,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gate => "sign of the guest",
            Self::Banner => "ssh banner",
            Self::Login => "ssh login",
            Self::Shell => "shell",
        })
    }
}

impl fmt::Display for LadderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rung) in self.rungs.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            let RungReport {
                rung,
                attempts,
                failures,
                last_reason,
                spent,
            } = rung;
            write!(
                f,
                "{rung}: failed {failures} of {attempts} in {:.1} s",
                spent.as_secs_f64()
            )?;
            if let Some(reason) = last_reason {
                write!(f, " ({reason})")?;
            }
        }
        Ok(())
    }
}

/// Waits for a guest to boot and logs in by ssh (`wait_for_login` of the guide): the gate, then banner, login and shell,
/// from the banner again after a failure.
///
/// The only sleep is the pause between attempts (250 ms to 2 s), and the gate's sign ends it early.
///
/// # Errors
/// [`Error::NotReady`] after `time` (parameter `login_timeout`), with what happened on each rung; at once what waiting
/// cannot mend: [`Error::AuthRefused`] (after [`Ladder::auth_grace`]), [`Error::HostKey`], [`Error::Key`],
/// [`Error::InvalidPattern`].
pub async fn wait_for_login(target: &SshTarget, ladder: Ladder, time: Duration) -> Result<Login> {
    let mut climb = Climb {
        rungs: Vec::new(),
        start: Instant::now(),
        deadline: Instant::now() + time,
    };
    match timeout_at(climb.deadline, climb.run(target, ladder)).await {
        Ok(Ok(session)) => Ok(Login {
            session,
            report: climb.report(),
        }),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::NotReady {
            host: target.host.clone(),
            port: target.port,
            user: target.username.clone(),
            timeout: time,
            report: Box::new(climb.report()),
        }),
    }
}

struct Climb {
    rungs: Vec<(RungReport, Option<Instant>)>,
    start: Instant,
    deadline: Instant,
}

impl Climb {
    async fn run(&mut self, target: &SshTarget, ladder: Ladder) -> Result<Session> {
        let Ladder {
            gate,
            mut ssh,
            shell,
            auth_grace,
            transcript,
        } = ladder;
        let mut sign = self.pass(gate).await;
        let mut pause = BACK_OFF.0;
        let mut first_refusal = None;
        loop {
            let error = match self
                .attempt(target, &ssh, &shell, transcript.as_ref())
                .await
            {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            match &error {
                Error::HostKey { .. } | Error::Key { .. } | Error::InvalidPattern { .. } => {
                    return Err(error);
                }
                Error::AuthRefused { .. } => {
                    let first = *first_refusal.get_or_insert_with(Instant::now);
                    if first.elapsed() >= auth_grace {
                        return Err(error);
                    }
                }
                Error::NoBanner { .. } => {
                    ssh.banner_timeout =
                        LONGEST_BANNER_TIMEOUT.min(ssh.banner_timeout.mul_f64(1.5));
                }
                _ => {}
            }
            tracing::debug!(host = %target.host, port = target.port, reason = %chain(&error), "not logged in yet");
            let signed = match sign.as_mut() {
                Some(ready) => timeout(pause, ready).await.is_ok(),
                None => {
                    tokio::time::sleep(pause).await;
                    false
                }
            };
            if signed {
                sign = None;
            }
            pause = BACK_OFF.1.min(pause.mul_f64(1.5));
        }
    }

    /// Waits for the guest's sign; gives it back if it has not come in time.
    async fn pass(
        &mut self,
        gate: Option<Gate>,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let Gate {
            mut ready,
            fallback,
        } = gate?;
        self.enter(Rung::Gate);
        let passed = timeout(fallback, &mut ready).await.is_ok();
        let reason = format!("no sign within {fallback:?}");
        self.leave((!passed).then_some(reason.as_str()));
        (!passed).then_some(ready)
    }

    async fn attempt(
        &mut self,
        target: &SshTarget,
        ssh: &SshOptions,
        shell: &ShellOptions,
        transcript: Option<&Transcript>,
    ) -> Result<Session> {
        self.enter(Rung::Banner);
        let greeted = SshConnection::greet(target, ssh.banner_timeout).await;
        let greeted = self.left(greeted)?;
        self.enter(Rung::Login);
        let connection = SshConnection::authenticate(target, ssh, greeted).await;
        let connection = self.left(connection)?;
        self.enter(Rung::Shell);
        let session = Session::over(
            connection,
            shell.clone(),
            transcript.cloned(),
            ssh.handshake_timeout,
        )
        .await;
        self.left(session)
    }

    fn enter(&mut self, rung: Rung) {
        let now = Instant::now();
        match self.rungs.iter_mut().find(|(r, _)| r.rung == rung) {
            Some((report, entered)) => {
                report.attempts += 1;
                *entered = Some(now);
            }
            None => {
                let report = RungReport {
                    rung,
                    attempts: 1,
                    failures: 0,
                    last_reason: None,
                    spent: Duration::ZERO,
                };
                self.rungs.push((report, Some(now)));
            }
        }
    }

    fn leave(&mut self, reason: Option<&str>) {
        for (report, entered) in &mut self.rungs {
            if let Some(entered) = entered.take() {
                report.spent += entered.elapsed();
                if let Some(reason) = &reason {
                    report.failures += 1;
                    report.last_reason = Some((*reason).to_owned());
                }
            }
        }
    }

    fn left<T>(&mut self, result: Result<T>) -> Result<T> {
        let reason = result.as_ref().err().map(|e| chain(e));
        self.leave(reason.as_deref());
        result
    }

    fn report(&mut self) -> LadderReport {
        let cut_off = (Instant::now() >= self.deadline).then_some("the time was up");
        self.leave(cut_off);
        let rungs = self
            .rungs
            .iter()
            .map(|(report, _)| report.clone())
            .collect();
        LadderReport {
            rungs,
            elapsed: self.start.elapsed(),
        }
    }
}
