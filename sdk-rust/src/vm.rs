//! A virtual machine of the test.

use std::time::Duration;

use crate::bindings::vthost::host::raw_qmp;
use crate::bindings::vthost::vm::{qmp, screen, vm as raw};
use crate::session::milliseconds;
use crate::{Error, Outcome, Params, QmpError, Session};

pub use raw::{RebootMethod, ShutdownMethod};

/// How long a login waits if the parameter `login_timeout` is not set, as in the guide.
const LOGIN_TIMEOUT_S: f64 = 240.0;

/// What a machine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Its processors run.
    Running,
    /// Its processors are stopped.
    Paused,
    /// The guest has shut down or crashed, and QEMU is still there.
    Stopped,
    /// There is no QEMU process.
    Off,
    /// Anything else, in QEMU's word.
    Other(String),
}

/// Where a service of the guest is reached from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// An address or a host name.
    pub host: String,
    /// A TCP port.
    pub port: u16,
}

/// Something that QEMU reports by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QmpEvent {
    /// Its name: `SHUTDOWN`, `STOP`.
    pub name: String,
    /// Its data, a JSON object.
    pub data: String,
}

impl From<qmp::Event> for QmpEvent {
    fn from(event: qmp::Event) -> Self {
        Self {
            name: event.name,
            data: event.data,
        }
    }
}

/// A network card of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its name: one of the value of `nics`, or that of a card that was plugged in.
    pub name: String,
    /// Its model, as QEMU names it.
    pub model: String,
    /// Its hardware address.
    pub mac: String,
}

/// A virtual machine, alive or not.
#[derive(Debug)]
pub struct Vm(raw::Vm);

impl Vm {
    pub(crate) fn new(raw: raw::Vm) -> Self {
        Self(raw)
    }

    pub(crate) fn raw(&self) -> &raw::Vm {
        &self.0
    }

    /// Its name: one of the value of `vms`.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Its parameters, as it sees them.
    pub fn params(&self) -> Params<'static> {
        Params::owned(self.0.params())
    }

    /// What it is doing.
    ///
    /// # Errors
    /// [`Error`] if QEMU does not answer.
    pub fn state(&self) -> Result<State, Error> {
        Ok(match self.0.state()? {
            raw::State::Running => State::Running,
            raw::State::Paused => State::Paused,
            raw::State::Stopped => State::Stopped,
            raw::State::Off => State::Off,
            raw::State::Other(word) => State::Other(word.unwrap_or_default()),
        })
    }

    /// Checks that QEMU is there, answers, and that its guest has not crashed.
    ///
    /// # Errors
    /// [`Error::Gone`] if it is not.
    pub fn verify_alive(&self) -> Result<(), Error> {
        Ok(self.0.verify_alive()?)
    }

    /// The time that the parameter `login_timeout` gives.
    fn login_timeout(&self) -> Result<Duration, Outcome> {
        let seconds = self.params().parse_or("login_timeout", LOGIN_TIMEOUT_S)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| {
            Outcome::error(format!(
                "login_timeout is {seconds}, and no time in seconds"
            ))
        })
    }

    /// Logs in over the network, waiting at most `login_timeout` seconds until the guest is ready.
    ///
    /// # Errors
    /// ERROR if the guest cannot be logged in to; it says how far the login came.
    pub fn wait_for_login(&self) -> Result<Session, Outcome> {
        Ok(self.wait_for_login_within(self.login_timeout()?)?)
    }

    /// [`wait_for_login`](Self::wait_for_login) with a time of its own.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the guest is not ready in time.
    pub fn wait_for_login_within(&self, timeout: Duration) -> Result<Session, Error> {
        Ok(Session::new(self.0.wait_for_login(milliseconds(timeout))?))
    }

    /// Logs in on the serial console, waiting at most `login_timeout` seconds until the guest is ready.
    ///
    /// # Errors
    /// ERROR if the guest cannot be logged in to.
    pub fn wait_for_serial_login(&self) -> Result<Session, Outcome> {
        let timeout = milliseconds(self.login_timeout()?);
        Ok(Session::new(
            self.0.wait_for_serial_login(timeout).map_err(Error::from)?,
        ))
    }

    /// Reboots by the guest's own command and logs in again. Sessions from before are dead afterwards.
    ///
    /// # Errors
    /// ERROR if the guest does not go down and come up in `login_timeout` seconds.
    pub fn reboot(&self) -> Result<Session, Outcome> {
        Ok(self.reboot_by(RebootMethod::Shell, self.login_timeout()?)?)
    }

    /// Reboots by the given method and logs in again.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the guest does not go down and come up in time.
    pub fn reboot_by(&self, method: RebootMethod, timeout: Duration) -> Result<Session, Error> {
        Ok(Session::new(self.0.reboot(method, milliseconds(timeout))?))
    }

    /// Shuts the guest down and waits until QEMU has ended.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if it does not end in time.
    pub fn shutdown_by(&self, method: ShutdownMethod, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.shutdown(method, milliseconds(timeout))?)
    }

    /// Stops the processors.
    ///
    /// # Errors
    /// [`Error`] if QEMU refuses.
    pub fn pause(&self) -> Result<(), Error> {
        Ok(self.0.pause()?)
    }

    /// Lets the processors go on.
    ///
    /// # Errors
    /// [`Error`] if QEMU refuses.
    pub fn resume(&self) -> Result<(), Error> {
        Ok(self.0.resume()?)
    }

    /// Takes the machine away, by a shutdown of the guest first when `gracefully`.
    ///
    /// # Errors
    /// [`Error`] if something of it is left.
    pub fn destroy(&self, gracefully: bool) -> Result<(), Error> {
        Ok(self.0.destroy(gracefully)?)
    }

    /// Starts the machine again after it was off.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is alive.
    pub fn create(&self) -> Result<(), Error> {
        Ok(self.0.create()?)
    }

    /// Where the guest's TCP port is reached from the host.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the port is not forwarded.
    pub fn address(&self, port: u16) -> Result<Endpoint, Error> {
        let endpoint = self.0.address(port)?;
        Ok(Endpoint {
            host: endpoint.host,
            port: endpoint.port,
        })
    }

    /// Runs a monitor command of the allow-list; `arguments` and the answer are JSON.
    ///
    /// # Errors
    /// [`QmpError::Refused`] if QEMU refuses it; [`Error::AccessDenied`] if it is not on the list.
    pub fn qmp(&self, command: &str, arguments: Option<&str>) -> Result<String, QmpError> {
        Ok(qmp::execute(&self.0, command, arguments)?)
    }

    /// Runs any monitor command. A pack that calls this needs the grant `raw-qmp`.
    ///
    /// # Errors
    /// [`QmpError::Refused`] if QEMU refuses it.
    pub fn raw_qmp(&self, command: &str, arguments: Option<&str>) -> Result<String, QmpError> {
        Ok(raw_qmp::execute(&self.0, command, arguments)?)
    }

    /// Waits for a monitor event of that name.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if it does not come in time.
    pub fn wait_event(&self, name: &str, timeout: Duration) -> Result<QmpEvent, Error> {
        Ok(qmp::wait_event(&self.0, name, milliseconds(timeout))?.into())
    }

    /// The monitor events since the last call, oldest first: at most 256.
    ///
    /// # Errors
    /// [`Error`] if there is no monitor.
    pub fn events(&self) -> Result<Vec<QmpEvent>, Error> {
        Ok(qmp::events(&self.0)?.into_iter().map(Into::into).collect())
    }

    /// Saves what the screen shows in the results and gives the file's name there.
    ///
    /// # Errors
    /// [`Error`] if the machine has no screen.
    pub fn screendump(&self) -> Result<String, Error> {
        Ok(screen::screendump(&self.0)?)
    }

    /// Presses keys together, as `ctrl-alt-delete`, and lets them go. Similar to `vm.send_key()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that QEMU does not know.
    pub fn send_key(&self, keys: &str) -> Result<(), Error> {
        Ok(screen::send_key(&self.0, keys)?)
    }

    /// Types a text of at most 1,000 characters, as on a US keyboard.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a character that such a keyboard does not have.
    pub fn type_text(&self, text: &str) -> Result<(), Error> {
        Ok(screen::type_text(&self.0, text)?)
    }

    /// What a command of the human monitor tells: `info("status")`. Similar to `monitor.info()`.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] if it could do more than ask.
    pub fn info(&self, what: &str) -> Result<String, QmpError> {
        Ok(qmp::info(&self.0, what)?)
    }

    /// Checks that the guest's kernel has not crashed. Similar to `vm.verify_kernel_crash()`.
    ///
    /// # Errors
    /// [`Error::Gone`] with the lines that say so.
    pub fn verify_kernel_crash(&self) -> Result<(), Error> {
        Ok(self.0.verify_kernel_crash()?)
    }

    /// Waits until the machine is off, whoever turns it off. Similar to `vm.wait_for_shutdown()`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if it is still there.
    pub fn wait_for_shutdown(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.wait_for_shutdown(milliseconds(timeout))?)
    }

    /// Its network cards, in the order in which they are attached. Similar to `vm.virtnet`.
    ///
    /// # Errors
    /// [`Error::Gone`] if the machine is off.
    pub fn nics(&self) -> Result<Vec<Nic>, Error> {
        let nics = self.0.nics()?;
        Ok(nics
            .into_iter()
            .map(|nic| Nic {
                name: nic.name,
                model: nic.model,
                mac: nic.mac,
            })
            .collect())
    }

    /// Plugs the cable of a network card in or out. Similar to `vm.set_link()`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such card.
    pub fn set_link(&self, nic: &str, up: bool) -> Result<(), Error> {
        Ok(self.0.set_link(nic, up)?)
    }
}
