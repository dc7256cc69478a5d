//! Sessions into the guest of a machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::timeout;
use vthost_guest::{GuestFacts, HostKeyPolicy};
use vthost_qemu::serial::Replay;
use vthost_qemu::{Machine, SerialStream};

use super::{Vm, host_keys};
use crate::fate::Fate;
use crate::login::{Way, first_console};
use crate::session::WeakSession;
use crate::{Result, Session};

/// Each fact about a guest that is not ready may take this long.
const FACT: Duration = Duration::from_secs(4);

/// How much of the console is looked at for its last lines, in bytes.
const CONSOLE: usize = 8 << 10;

/// What is known of a guest that is not ready in time: the state of its machine, the end of its console, and its screen,
/// of which a picture is made.
async fn facts(machine: Arc<Machine>, screen: PathBuf) -> GuestFacts {
    let state = timeout(FACT, machine.state()).await;
    let pictured = timeout(FACT, machine.screendump_png(&screen)).await;
    let console = machine.spec().serials.first();
    let console = console.and_then(|first| machine.serial(&first.name));
    GuestFacts {
        machine: state
            .ok()
            .and_then(Result::ok)
            .map(|state| state.to_string()),
        console: console.map(|console| String::from_utf8_lossy(&console.backlog(CONSOLE)).into()),
        agent: None,
        screen: matches!(pictured, Ok(Ok(()))).then_some(screen),
    }
}

impl Vm {
    /// Whether somebody has logged in since the machine was started.
    pub(crate) fn was_logged_in(&self) -> bool {
        self.life().logged_in
    }

    fn keep(&self, session: Session) -> Session {
        let mut life = self.life();
        life.logged_in = true;
        life.sessions.retain(|open| open.upgrade().is_some());
        life.sessions.push(session.downgrade());
        session
    }

    /// Ends all sessions without a word to the guest, which knows nothing of them any more.
    pub(super) fn abandon_sessions(&self) {
        let sessions = std::mem::take(&mut self.life().sessions);
        for session in sessions.iter().filter_map(WeakSession::upgrade) {
            session.abandon();
        }
    }

    /// A listener on the console from where the guest last began to boot.
    fn console_of_this_boot(&self, machine: &Machine) -> Option<SerialStream> {
        let (booted_at, has_arrived) = {
            let life = self.life();
            (life.booted_at, life.has_arrived)
        };
        match booted_at {
            None if has_arrived => None,
            None => first_console(machine, Replay::All),
            Some(at) => {
                let first = machine.spec().serials.first()?;
                Some(machine.serial(&first.name)?.subscribe_from(at))
            }
        }
    }

    /// Logs in over the network, waiting until the guest is ready.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] says how far the login came; [`ErrorKind::Gone`] if the machine ends meanwhile.
    pub async fn wait_for_login(&self, timeout: Duration) -> Result<Session> {
        let machine = self.machine()?;
        let console = self.console_of_this_boot(&machine);
        let (_, log) = self.next_file("session", "log");
        let (keys, port) = (&self.hardware.host_keys, self.login.port());
        let is_pinned = self.login.checks_host_key() && host_keys::are_kept(&self.hardware.spec);
        let way = Way {
            at: self.address(port)?,
            console,
            host_key: match is_pinned {
                true => keys.policy(port),
                false => HostKeyPolicy::AcceptAny,
            },
            facts: facts(Arc::clone(&machine), log.with_extension("png")).boxed(),
            log: &log,
        };
        let session = self.login.network(&machine, way, timeout).await?;
        if let Some(connection) = session.connection() {
            keys.saw(port, connection.host_key());
        }
        Ok(self.keep(Session::new(session, Fate::of(&machine))))
    }

    /// Logs in on the first serial console, waiting until the guest is ready.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] with the last text on the console; [`ErrorKind::NotFound`] without a console.
    pub async fn wait_for_serial_login(&self, timeout: Duration) -> Result<Session> {
        let machine = self.machine()?;
        let (_, log) = self.next_file("serial-session", "log");
        self.login.serial(&machine, timeout, &log).await
    }

    /// A session for the guest's own commands: one that is open and idle, or a new one.
    pub(super) async fn any_session(&self, timeout: Duration) -> Result<Session> {
        let open: Vec<Session> = {
            let life = self.life();
            life.sessions
                .iter()
                .filter_map(WeakSession::upgrade)
                .collect()
        };
        match open.into_iter().find(Session::is_idle_ssh) {
            Some(session) => Ok(session),
            None => self.wait_for_login(timeout).await,
        }
    }

    /// A session of its own that no test has a hand on.
    pub(super) async fn plain_session(&self, timeout: Duration) -> Result<vthost_guest::Session> {
        let session = self.wait_for_login(timeout).await?;
        session.into_inner().await
    }
}

/// The guest image is needed: `vthost bootstrap` makes it.
#[cfg(test)]
pub(crate) mod tests {
    use vthost_params::Params;

    use super::*;
    use crate::context::{for_tests, user_data};
    use crate::{Context, Environment, Vm};

    const PARAMS: &[(&str, &str)] = &[
        ("vms", "vm1"),
        ("images", "image1"),
        ("image_name", "images/jeos-12-x86_64"),
        ("nics", "nic1"),
        ("redirs", "remote_shell"),
        ("serials", "serial0"),
        ("mem", "512"),
        ("password", "123456"),
    ];

    /// A machine with the default guest, whose results are in `dir`.
    pub(crate) async fn started(
        dir: &std::path::Path,
        changes: &[(&str, &str)],
    ) -> (Environment, Arc<Vm>) {
        let context = Context {
            data_dir: user_data(),
            host_files: true,
            ..for_tests(dir)
        };
        let params = Params::from_pairs(PARAMS.iter().copied()).with(changes.iter().copied());
        let mut env = Environment::default();
        env.preprocess(&params, &context).await.expect("a machine");
        let vm = env.vm("vm1").expect("it is there");
        (env, vm)
    }

    #[tokio::test]
    async fn a_login_that_fails_tells_what_the_guest_does() {
        let dir = tempfile::tempdir().unwrap();
        let (_env, vm) = started(dir.path(), &[]).await;
        // The guest prints at once, and is not ready by then.
        let error = vm.wait_for_login(Duration::from_secs(2)).await;
        let error = error.expect_err("no guest is that quick").chain();
        let picture = dir.path().join("session-vm1-1.png");
        let screen = format!("screen: {}", picture.display());
        for part in ["banner: failed", "machine: running", &screen, "console: "] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(picture.exists());
        vm.destroy(false).await.expect("it ends");
    }

    #[tokio::test]
    async fn the_first_host_key_of_a_guest_is_its_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let (_env, vm) = started(dir.path(), &[]).await;
        let time = Duration::from_secs(240);
        vm.wait_for_login(time).await.expect("the first");
        vm.wait_for_login(time).await.expect("the same");
        let keys = &vm.hardware().host_keys;
        let HostKeyPolicy::Pinned(first) = keys.policy(22) else {
            panic!("no key is known");
        };
        keys.replace(22, "SHA256:other");
        let error = vm.wait_for_login(time).await;
        let error = error.expect_err("another key").chain();
        for part in [&*first, "SHA256:other", "ssh_hostkey_check"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        vm.destroy(false).await.expect("it ends");
    }
}
