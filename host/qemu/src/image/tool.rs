//! One call of a tool of QEMU: confined, bounded in time and output, dead when its caller is.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::net::unix::pipe;

use super::confine::{Access, Files};
use super::output::{MOST_OUTPUT, take_all, take_end};
use super::{ImageError, ImageRef, Progress, Secret};
use crate::binary::find_in_path;
use crate::cmdline::quoted;
use crate::process::{Launch, Process};

/// How long a call may take, if nothing else is said: an image of 100 GB is copied by then.
const TIMEOUT: Duration = Duration::from_mins(30);

/// A program of QEMU, and how long a call of it may take.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) path: PathBuf,
    pub(super) timeout: Duration,
}

impl Tool {
    pub(super) fn find(name: &'static str) -> Result<Self, ImageError> {
        let path = find_in_path(name).ok_or(ImageError::NoTool { tool: name })?;
        Ok(Self::at(path))
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            timeout: TIMEOUT,
        }
    }
}

/// A call that is being put together: `tool <command> <options> -- <operands>`.
#[derive(Debug)]
pub(super) struct Call<'a> {
    tool: &'a Tool,
    options: Vec<OsString>,
    operands: Vec<OsString>,
    secrets: Vec<OwnedFd>,
    images: Vec<String>,
    pub(super) files: Files,
    good: &'static [i32],
}

/// What a call left.
#[derive(Debug)]
pub(super) struct Finished {
    /// The whole command, to be shown.
    pub(super) command: String,
    pub(super) code: i32,
    pub(super) stdout: Vec<u8>,
}

impl<'a> Call<'a> {
    pub(super) fn new(tool: &'a Tool, command: Option<&str>) -> Self {
        Self {
            tool,
            options: command.into_iter().map(OsString::from).collect(),
            operands: Vec::new(),
            secrets: Vec::new(),
            images: Vec::new(),
            files: Files::default(),
            good: &[0],
        }
    }

    /// Exit statuses that are answers, not failures.
    pub(super) fn good(mut self, good: &'static [i32]) -> Self {
        self.good = good;
        self
    }

    pub(super) fn option(mut self, option: impl Into<OsString>) -> Self {
        self.options.push(option.into());
        self
    }

    pub(super) fn value(self, option: &str, value: impl Into<OsString>) -> Self {
        self.option(option).option(value)
    }

    pub(super) fn flag(self, option: &str, on: bool) -> Self {
        if on { self.option(option) } else { self }
    }

    pub(super) fn maybe(self, option: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.value(option, value.to_string()),
            None => self,
        }
    }

    pub(super) fn operand(mut self, operand: impl Into<OsString>) -> Self {
        self.operands.push(operand.into());
        self
    }

    /// Defines a secret; its id.
    pub(super) fn secret(&mut self, secret: &Secret) -> Result<String, ImageError> {
        let memory = secret
            .to_memory()
            .map_err(|source| ImageError::file("write", Path::new("a secret in memory"), source))?;
        let id = format!("secret{}", self.secrets.len());
        let file = format!("/proc/self/fd/{}", memory.as_raw_fd());
        self.options.push("--object".into());
        self.options
            .push(format!("secret,id={id},file={file}").into());
        self.secrets.push(memory);
        Ok(id)
    }

    /// Adds `--image-opts` and an image.
    pub(super) fn image(self, image: &ImageRef, access: Access) -> Result<Self, ImageError> {
        self.option("--image-opts").another(image, access)
    }

    /// Adds one more image.
    pub(super) fn another(mut self, image: &ImageRef, access: Access) -> Result<Self, ImageError> {
        self.files.image(image, access)?;
        let id = image.secret.as_ref().map(|secret| self.secret(secret));
        let operand = image.options(id.transpose()?.as_deref())?;
        self.images.push(image.to_string());
        Ok(self.operand(operand))
    }

    /// Notes an image that is named in another way, for errors.
    pub(super) fn naming(mut self, image: &impl ToString) -> Self {
        self.images.push(image.to_string());
        self
    }

    /// The arguments, and the whole command as it is shown in errors.
    fn arguments(&self) -> (Vec<OsString>, String) {
        let dashes = (!self.operands.is_empty()).then(|| OsString::from("--"));
        let args: Vec<OsString> = self.options.iter().cloned().chain(dashes).collect();
        let args: Vec<OsString> = args.into_iter().chain(self.operands.clone()).collect();
        let words =
            std::iter::once(self.tool.path.as_os_str()).chain(args.iter().map(OsString::as_os_str));
        let shown: Vec<String> = words.map(quoted).collect();
        (args, shown.join(" "))
    }

    /// Starts the tool with its output to `log`; what it complains goes to `stderr`, or there, too.
    pub(super) async fn start(
        &mut self,
        log: File,
        stderr: Option<File>,
        dir: &Path,
    ) -> Result<(Process, String), ImageError> {
        let (args, command) = self.arguments();
        let ruleset = match self.files.rules(&self.tool.path) {
            Ok(ruleset) => ruleset,
            Err(error) => {
                let reason = error.to_string();
                return Err(ImageError::Confine { command, reason });
            }
        };
        let launch = Launch {
            program: self.tool.path.clone(),
            args,
            run_dir: dir.to_owned(),
            log,
            stderr,
            inherited: std::mem::take(&mut self.secrets),
            ruleset,
        };
        match Process::start(launch).await {
            Ok(process) => Ok((process, command)),
            Err(source) => Err(ImageError::Run { command, source }),
        }
    }

    pub(super) async fn run(self) -> Result<Finished, ImageError> {
        self.run_with(None).await
    }

    /// Runs the tool to its end. It is killed if the future is dropped.
    pub(super) async fn run_with(
        mut self,
        progress: Option<Progress<'_>>,
    ) -> Result<Finished, ImageError> {
        let pipes = || -> io::Result<_> {
            let ((out, log), (err, stderr)) = (io::pipe()?, io::pipe()?);
            let receiver = |end: io::PipeReader| pipe::Receiver::from_owned_fd(end.into());
            let sender = |end: io::PipeWriter| File::from(OwnedFd::from(end));
            Ok((receiver(out)?, receiver(err)?, sender(log), sender(stderr)))
        };
        let (out, err, log, stderr) = match pipes() {
            Ok(pipes) => pipes,
            Err(source) => {
                let command = self.arguments().1;
                return Err(ImageError::Run { command, source });
            }
        };
        let (process, command) = self.start(log, Some(stderr), &std::env::temp_dir()).await?;
        let work = async { tokio::join!(take_all(out, progress), take_end(err), process.wait()) };
        let within = self.tool.timeout;
        let Ok((stdout, complaint, exit)) = tokio::time::timeout(within, work).await else {
            return Err(ImageError::Timeout { command, within });
        };
        let read = stdout.and_then(|stdout| Ok((stdout, complaint?)));
        let (stdout, complaint) = match read {
            Ok(read) => read,
            Err(source) => return Err(ImageError::Run { command, source }),
        };
        let Some(stdout) = stdout else {
            let limit = MOST_OUTPUT;
            return Err(ImageError::TooMuch { command, limit });
        };
        let Some(exit) = exit else {
            let source = io::Error::other("the runtime is being shut down");
            return Err(ImageError::Run { command, source });
        };
        match exit.status.code() {
            Some(code) if self.good.contains(&code) => Ok(Finished {
                command,
                code,
                stdout,
            }),
            _ if complaint.is_empty() => Err(self.failure(command, exit.status, &stdout)),
            _ => Err(self.failure(command, exit.status, &complaint)),
        }
    }

    /// What a failure means.
    pub(super) fn failure(&self, command: String, status: ExitStatus, said: &[u8]) -> ImageError {
        let output = String::from_utf8_lossy(said).trim().to_owned();
        let image = self.images.join(" or ");
        if output.contains("Invalid password, cannot unlock any keyslot") {
            return ImageError::Secret { image };
        }
        if output.contains("Is another process using the image") {
            return ImageError::InUse { image };
        }
        ImageError::Tool {
            command,
            status,
            output,
        }
    }
}

impl Finished {
    /// The output, as JSON.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, ImageError> {
        serde_json::from_slice(&self.stdout).map_err(|source| ImageError::Output {
            command: self.command,
            source,
        })
    }

    /// The error that the output is not what was expected.
    pub(super) fn unexpected(self) -> ImageError {
        ImageError::Unexpected {
            command: self.command,
            output: String::from_utf8_lossy(&self.stdout).into_owned(),
        }
    }
}
