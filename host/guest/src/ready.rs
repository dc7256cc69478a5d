//! The readiness ladder: from a guest that has just been started to a shell in it.
//!
//! A guest is not asked whether it is ready by knocking at its ssh port: behind QEMU's user network each knock is queued,
//! and a slow guest then starts an sshd for every one of them (dozens, for minutes). So the guest's own sign, usually on its
//! console, is waited for first; then there is one attempt at a time, each with time to succeed.

mod climb;
mod report;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{timeout, timeout_at};

use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::session::Session;
use crate::shell::ShellOptions;
use crate::target::{ShellTarget, SshOptions};
use crate::transcript::Transcript;

use climb::Climb;
pub use report::{GuestFacts, LadderReport, Rung, RungReport};

/// How long the caller's facts about a guest that is not ready may take.
const FACTS_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Times of one attempt, whatever carries the session: the handshake's is that of the whole dialogue by telnet.
    pub ssh: SshOptions,
    /// The shell at the end.
    pub shell: ShellOptions,
    /// A guest that refuses the credentials is asked again for so long, then given up on: at the end of a boot sshd may run
    /// before PAM lets users in, but a wrong password shall not cost the whole login timeout. Default 5 s.
    pub auth_grace: Duration,
    /// The log of the session.
    pub transcript: Option<Transcript>,
    /// Tells what the caller knows about the guest; polled only when the time is up, for at most ten seconds.
    pub facts: Option<Pin<Box<dyn Future<Output = GuestFacts> + Send>>>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            gate: None,
            ssh: SshOptions::default(),
            shell: ShellOptions::default(),
            auth_grace: Duration::from_secs(5),
            transcript: None,
            facts: None,
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

/// Waits for a guest to boot and logs in (`wait_for_login` of the guide): the gate, then banner, login and shell, from the
/// banner again after a failure.
///
/// The only sleep is the pause between attempts (250 ms to 2 s), and the gate's sign ends it early.
///
/// # Errors
/// [`Error::NotReady`] after `time` (parameter `login_timeout`), with what happened on each rung and [`Ladder::facts`]; at
/// once what waiting cannot mend: [`Error::AuthRefused`] and [`Error::SerialLoginRefused`] (after [`Ladder::auth_grace`]),
/// [`Error::HostKey`], [`Error::Key`], [`Error::InvalidPattern`].
pub async fn wait_for_login(
    target: impl Into<ShellTarget>,
    mut ladder: Ladder,
    time: Duration,
) -> Result<Login> {
    let target = target.into();
    let facts = ladder.facts.take();
    let deadline = Limit::after(time).deadline;
    let mut climb = Climb::new(deadline);
    match timeout_at(deadline, climb.run(&target, ladder)).await {
        Ok(Ok(session)) => Ok(Login {
            session,
            report: climb.report(),
        }),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let mut report = climb.report();
            if let Some(facts) = facts {
                report.facts = timeout(FACTS_TIMEOUT, facts).await.unwrap_or_default();
            }
            let (host, port) = target.address();
            Err(Error::NotReady {
                carrier: target.kind().as_str(),
                host: host.to_owned(),
                port,
                user: target.username().map(str::to_owned),
                timeout: time,
                report: Box::new(report),
            })
        }
    }
}
