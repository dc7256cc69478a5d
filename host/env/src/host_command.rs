//! A command line that the host's shell runs.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

/// How much of the output is kept: the end of it.
const KEPT: usize = 64 << 10;

/// A command line, and how it is run.
pub(crate) struct HostCommand<'c> {
    pub(crate) text: &'c str,
    /// Where it runs.
    pub(crate) dir: &'c Path,
    /// What is added to the environment of vthost.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) timeout: Duration,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// How it ended; none if it took too long and was killed.
    pub(crate) status: Option<ExitStatus>,
    /// The end of what it printed, its complaints among it.
    pub(crate) output: String,
}

/// A process group that is killed when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // The only error is that nobody is left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl HostCommand<'_> {
    /// Runs it in a process group of its own. One that takes too long is killed with everything in its group, and so is
    /// one that nobody waits for any more. What it leaves running when it ends well is its own affair.
    pub(crate) async fn run(self) -> io::Result<Ran> {
        let (reader, writer) = io::pipe()?;
        let reader = Receiver::from_owned_fd(reader.into())?;
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(self.text)
            .current_dir(self.dir)
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let mut group = Group(pid.and_then(Pid::from_raw));
        let mut output = Vec::new();
        let ended = {
            let ended = tokio::time::timeout(self.timeout, child.wait());
            tokio::select! {
                ended = ended => ended,
                never = read(&reader, &mut output) => match never {},
            }
        };
        let status = match ended {
            Ok(status) => {
                group.0 = None;
                Some(status?)
            }
            Err(_) => {
                drop(group);
                child.wait().await?;
                None
            }
        };
        drain(&reader, &mut output);
        Ok(Ran {
            status,
            output: String::from_utf8_lossy(&output).into_owned(),
        })
    }
}

/// Reads for as long as it is asked to: the end of the output is not the end of the command.
async fn read(reader: &Receiver, output: &mut Vec<u8>) -> std::convert::Infallible {
    loop {
        let ready = reader.readable().await;
        if ready.is_err() || !drain(reader, output) {
            return std::future::pending().await;
        }
        // One that prints for ever does not keep the clock from being looked at.
        tokio::task::yield_now().await;
    }
}

/// Reads what is there, as much as a pipe holds. Whether more may come.
fn drain(reader: &Receiver, output: &mut Vec<u8>) -> bool {
    let mut part = [0; 4096];
    for _ in 0..16 {
        match reader.try_read(&mut part) {
            Ok(0) => return false,
            Ok(read) => {
                output.extend_from_slice(&part[..read]);
                if output.len() > 2 * KEPT {
                    output.drain(..output.len() - KEPT);
                }
            }
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    async fn run(text: &str, timeout: Duration) -> Ran {
        let command = HostCommand {
            text,
            dir: Path::new("/"),
            env: vec![("KVM_TEST_mem".to_owned(), "512".to_owned())],
            timeout,
        };
        command.run().await.unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn output_and_status_are_told() {
        let ran = run("pwd; echo $KVM_TEST_mem >&2; exit 3", LONG).await;
        assert_eq!(ran.output, "/\n512\n");
        assert_eq!(ran.status.unwrap().code(), Some(3));
        let ran = run("yes line | head -c 1000000; echo end", LONG).await;
        assert!(ran.output.len() <= 2 * KEPT + 5 && ran.output.ends_with("end\n"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_killed_with_its_children() {
        let begun = Instant::now();
        let ran = run("sleep 1000 & echo $!; wait", Duration::from_secs(2)).await;
        assert!(ran.status.is_none() && begun.elapsed() < LONG);
        let child = ran.output.trim();
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat"));
            // One that was killed and not reaped yet lives no more.
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while lives() && begun.elapsed() < LONG {
            tokio::task::yield_now().await;
        }
        assert!(!lives(), "{child} was not killed");
    }

    #[tokio::test]
    async fn endless_output_is_no_way_around_the_clock() {
        let ran = run("yes", Duration::from_secs(1)).await;
        assert!(ran.status.is_none() && ran.output.len() <= 3 * KEPT);
    }

    #[tokio::test]
    async fn a_child_that_stays_does_not_hold_it_up() {
        let begun = Instant::now();
        let ran = run("sleep 1000 & echo $!", LONG).await;
        assert!(ran.status.unwrap().success() && begun.elapsed() < LONG);
        let child = Pid::from_raw(ran.output.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(child, Signal::KILL).unwrap();
    }
}
