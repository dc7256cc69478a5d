//! The steps up the ladder.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Gate, GuestFacts, Ladder, LadderReport, Rung, RungReport};
use crate::error::{Error, Result, chain};
use crate::session::Session;
use crate::shell::ShellOptions;
use crate::ssh::SshConnection;
use crate::target::{ShellTarget, SshOptions};
use crate::tcp::Greeted;
use crate::transcript::Transcript;

/// The pause after a failed attempt: at first, and at most. It grows by half each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// The most the wait for a banner grows to. It grows with each silence, so that a guest too slow for the first wait is not
/// asked for ever in vain.
const LONGEST_BANNER_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Climb {
    rungs: Vec<(RungReport, Option<Instant>)>,
    start: Instant,
    deadline: Instant,
}

impl Climb {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            rungs: Vec::new(),
            start: Instant::now(),
            deadline,
        }
    }

    pub(super) async fn run(&mut self, target: &ShellTarget, ladder: Ladder) -> Result<Session> {
        let Ladder {
            gate,
            mut ssh,
            shell,
            auth_grace,
            transcript,
            facts: _,
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
                Error::AuthRefused { .. } | Error::SerialLoginRefused { .. } => {
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
            let (host, port) = target.address();
            tracing::debug!(host, port, reason = %chain(&error), "not logged in yet");
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
        target: &ShellTarget,
        ssh: &SshOptions,
        shell: &ShellOptions,
        transcript: Option<&Transcript>,
    ) -> Result<Session> {
        let (shell, transcript) = (shell.clone(), transcript.cloned());
        let time = ssh.handshake_timeout;
        let (host, port) = target.address();
        self.enter(Rung::Banner);
        let greeted = Greeted::new(host, port, ssh.banner_timeout).await;
        let greeted = self.left(greeted)?;
        let session = match target {
            ShellTarget::Ssh(target) => {
                if let (Some(transcript), Some(password)) = (&transcript, &target.auth.password) {
                    transcript.hide(password);
                }
                self.enter(Rung::Login);
                let connection = SshConnection::authenticate(target, ssh, greeted).await;
                let connection = self.left(connection)?;
                self.enter(Rung::Shell);
                Session::over(connection, shell, transcript, time).await
            }
            ShellTarget::Telnet(target) => {
                self.enter(Rung::Login);
                Session::telnet_on(greeted, target, shell, transcript, time).await
            }
            ShellTarget::Nc(_) => {
                self.enter(Rung::Shell);
                Session::nc_on(greeted, shell, transcript, time).await
            }
        };
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

    pub(super) fn report(&mut self) -> LadderReport {
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
            facts: GuestFacts::default(),
        }
    }
}
