//! Other ways into a guest than a shell: its files, its agent, the bytes of its ports.

use std::time::Duration;

use crate::bindings::vthost::guest::{agent, console, files};
use crate::session::{Match, milliseconds};
use crate::{Error, Vm};

/// The files of a guest. Names on this side begin with `/data/` or, to read from, with `/deps/`.
#[derive(Debug)]
pub struct Files(files::Files);

impl Files {
    /// Copies a file or a directory to the guest; the last part of `local` may have wildcards. Similar to
    /// `vm.copy_files_to()` in Avocado-VT.
    ///
    /// # Errors
    /// [`Error`] says how far it came.
    pub fn copy_to(&self, local: &str, guest: &str, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.copy_to(local, guest, milliseconds(timeout))?)
    }

    /// Copies a file or a directory from the guest; the last part of `guest` may have wildcards. Similar to
    /// `vm.copy_files_from()`.
    ///
    /// # Errors
    /// [`Error`] says how far it came.
    pub fn copy_from(&self, guest: &str, local: &str, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.copy_from(guest, local, milliseconds(timeout))?)
    }

    /// Copies `/deps/<name>` to the guest as far as it is not there yet, runs `make` in it if there is anything to make,
    /// and gives the directory in the guest (guide, section "Building test applications").
    ///
    /// # Errors
    /// [`Error`] with the output of `make`.
    pub fn build(
        &self,
        name: &str,
        arguments: &[&str],
        timeout: Duration,
    ) -> Result<String, Error> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Ok(self.0.build(name, &arguments, milliseconds(timeout))?)
    }
}

/// What a program in the guest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecResult {
    /// Its exit status; 128 plus the number of the signal that killed it.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// The QEMU guest agent.
#[derive(Debug)]
pub struct Agent(agent::Agent);

impl Agent {
    /// Waits until the agent answers.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if it does not.
    pub fn ping(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.0.ping(milliseconds(timeout))?)
    }

    /// Runs a command of the agent; `arguments` and the answer are JSON. A command after which the agent has nothing to
    /// say, as `guest-shutdown`, gives nothing.
    ///
    /// # Errors
    /// [`Error::Other`] if the agent refuses it.
    pub fn execute(
        &self,
        command: &str,
        arguments: Option<&str>,
        timeout: Duration,
    ) -> Result<Option<String>, Error> {
        let timeout = milliseconds(timeout);
        Ok(self.0.execute(command, arguments, timeout)?)
    }

    /// Runs a program and waits for its end. No shell reads the arguments.
    ///
    /// # Errors
    /// [`Error`] if it could not be run to its end.
    pub fn exec(
        &self,
        path: &str,
        arguments: &[&str],
        input: &[u8],
        timeout: Duration,
    ) -> Result<ExecResult, Error> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let ran = self
            .0
            .exec(path, &arguments, input, milliseconds(timeout))?;
        Ok(ExecResult {
            status: ran.status,
            stdout: ran.stdout,
            stderr: ran.stderr,
        })
    }

    /// Reads a file, of 4 MiB at most.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read.
    pub fn read_file(&self, path: &str, timeout: Duration) -> Result<Vec<u8>, Error> {
        Ok(self.0.read_file(path, milliseconds(timeout))?)
    }

    /// Writes a file anew, of 4 MiB at most.
    ///
    /// # Errors
    /// [`Error`] if it cannot be written.
    pub fn write_file(&self, path: &str, content: &[u8], timeout: Duration) -> Result<(), Error> {
        Ok(self.0.write_file(path, content, milliseconds(timeout))?)
    }
}

/// The bytes of a serial port or virtio port: one end of it; the guest has the other.
#[derive(Debug)]
pub struct Console(console::Console);

impl Console {
    /// Sends bytes as they are: at most 64 KiB.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the guest does not take them.
    pub fn send(&self, bytes: &[u8], timeout: Duration) -> Result<(), Error> {
        Ok(self.0.send(bytes, milliseconds(timeout))?)
    }

    /// Gives what has come, at most `limit` bytes and at most 64 KiB; waits for the first byte.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if nothing comes.
    pub fn receive(&self, limit: u32, timeout: Duration) -> Result<Vec<u8>, Error> {
        Ok(self.0.receive(limit, milliseconds(timeout))?)
    }

    /// Reads until one of the regular expressions matches.
    ///
    /// # Errors
    /// [`Error::TimedOut`] with the last output; [`Error::Invalid`] for a bad pattern.
    pub fn read_until(&self, patterns: &[&str], timeout: Duration) -> Result<Match, Error> {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Ok(self.0.read_until(&patterns, milliseconds(timeout))?.into())
    }
}

impl Vm {
    /// The files of the guest, over the network.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the parameters name no way to them.
    pub fn files(&self) -> Result<Files, Error> {
        Ok(Files(self.raw().files()?))
    }

    /// The agent in the guest.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the machine has no port for it.
    pub fn agent(&self) -> Result<Agent, Error> {
        Ok(Agent(self.raw().agent()?))
    }

    /// The bytes of a serial port or virtio port, by its name in the value of `serials`. What was printed before the call
    /// is not given.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such port.
    pub fn console(&self, name: &str) -> Result<Console, Error> {
        Ok(Console(self.raw().console(name)?))
    }
}
