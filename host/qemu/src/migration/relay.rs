//! Commands that the data of a migration goes through.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::machine::tail;

/// Running commands, each in a process group of its own. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Relay {
    stages: Vec<Stage>,
    log: PathBuf,
}

#[derive(Debug)]
enum Stage {
    Command(String, Box<Child>),
    /// Without commands, the bytes are copied as they are.
    Copy(JoinHandle<io::Result<u64>>),
}

impl Relay {
    /// Starts the commands, so that what comes from `input` goes through all of them to `output`. What they write to
    /// their standard error goes to a log.
    pub(super) fn start(
        commands: &[Vec<String>],
        input: OwnedFd,
        output: OwnedFd,
        dir: &Path,
        log: &Path,
    ) -> Result<Self, String> {
        let mut relay = Self {
            stages: Vec::new(),
            log: log.to_owned(),
        };
        let errors = File::create(log)
            .map_err(|error| format!("cannot create {}: {error}", log.display()))?;
        let Some((last, others)) = commands.split_last() else {
            let copy = move || io::copy(&mut File::from(input), &mut File::from(output));
            let copy = tokio::task::spawn_blocking(copy);
            relay.stages.push(Stage::Copy(copy));
            return Ok(relay);
        };
        let mut from = input;
        for command in others {
            let (read, write) =
                io::pipe().map_err(|error| format!("cannot make a pipe: {error}"))?;
            relay.push(command, from, write.into(), dir, &errors)?;
            from = read.into();
        }
        relay.push(last, from, output, dir, &errors)?;
        Ok(relay)
    }

    fn push(
        &mut self,
        command: &[String],
        from: OwnedFd,
        to: OwnedFd,
        dir: &Path,
        errors: &File,
    ) -> Result<(), String> {
        let (program, args) = command
            .split_first()
            .ok_or("one of them is empty; give each a program")?;
        let shown = command.join(" ");
        let failed = |error: io::Error| format!("cannot start `{shown}`: {error}");
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::from(from))
            .stdout(Stdio::from(to))
            .stderr(errors.try_clone().map_err(failed)?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        self.stages.push(Stage::Command(shown, Box::new(child)));
        Ok(())
    }

    /// What the commands wrote to their standard error.
    pub(super) fn said(&self) -> String {
        tail(&self.log)
    }

    /// Waits until all commands have ended well.
    pub(super) async fn finish(mut self, limit: Duration) -> Result<(), String> {
        let log = self.log.clone();
        let ended = tokio::time::timeout(limit, async {
            for stage in &mut self.stages {
                stage.end(&log).await?;
            }
            Ok(())
        });
        let late = || {
            format!(
                "they still run {} s after the last byte",
                limit.as_secs_f32()
            )
        };
        ended.await.unwrap_or_else(|_| Err(late()))
    }
}

impl Stage {
    async fn end(&mut self, log: &Path) -> Result<(), String> {
        match self {
            Self::Copy(copy) => match copy.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(format!("the data could not be copied: {error}")),
                Err(error) => Err(error.to_string()),
            },
            Self::Command(shown, child) => match child.wait().await {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(format!("`{shown}` ended with {status}: {}", tail(log))),
                Err(error) => Err(format!("`{shown}` cannot be waited for: {error}")),
            },
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for stage in &self.stages {
            // A command that has been waited for has no number any more.
            if let Stage::Command(_, child) = stage
                && let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
            {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
        }
    }
}
