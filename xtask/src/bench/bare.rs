//! The same boot without vthost: the command line that vthost made, and the system's own ssh.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a boot may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The overlay of the machine in its run directory.
const OVERLAY: &str = "image1.qcow2";

/// What one boot took.
pub(crate) struct Booted {
    /// From the start to the end of the first command over ssh.
    pub(crate) to_command: Duration,
    /// To the end of QEMU.
    pub(crate) whole: Duration,
}

/// A machine of vthost that is started without it.
pub(crate) struct Bare<'a> {
    image: &'a Path,
    dir: &'a Path,
    /// The script that vthost writes for people who want to start the machine by hand.
    script: String,
}

impl<'a> Bare<'a> {
    /// Takes the command line that vthost wrote: with another overlay, the first serial port on the standard streams, and
    /// running at once.
    pub(crate) fn new(image: &'a Path, dir: &'a Path, command_line: &str) -> Result<Self> {
        let run_dir = command_line
            .split(['=', ' ', '"', '\'', ','])
            .find_map(|word| word.strip_suffix(OVERLAY)?.strip_suffix('/'))
            .context("the command line has no overlay")?;
        let line = |line: &str| -> Option<String> {
            let begin = line.trim_start();
            if begin.starts_with("-S ") {
                return None;
            }
            if begin.starts_with("-chardev") && begin.contains("id=chardev_serial0,") {
                return Some("  -chardev stdio,id=chardev_serial0,signal=off \\".to_owned());
            }
            Some(line.replace(run_dir, &dir.to_string_lossy()))
        };
        let script: Vec<String> = command_line.lines().filter_map(line).collect();
        let script = script.join("\n");
        ensure!(
            script.contains("tcp:127.0.0.1:0-:22"),
            "the command line forwards no port to the guest's shell"
        );
        Ok(Self { image, dir, script })
    }

    /// Boots the image, logs in, and ends the machine.
    pub(crate) fn boot(&self) -> Result<Booted> {
        let begun = Instant::now();
        let overlay = self.dir.join(OVERLAY);
        let made = Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
            .arg(self.image)
            .arg(&overlay)
            .status()?;
        ensure!(made.success(), "qemu-img failed");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = self
            .script
            .replace("127.0.0.1:0-:22", &format!("127.0.0.1:{port}-:22"))
            .replacen("\n/", "\nexec /", 1);
        let mut qemu = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run QEMU")?;
        let result = first_command(&mut qemu, port, begun);
        qemu.kill()?;
        qemu.wait()?;
        std::fs::remove_file(&overlay)?;
        Ok(Booted {
            to_command: result?,
            whole: begun.elapsed(),
        })
    }
}

fn first_command(qemu: &mut std::process::Child, port: u16, begun: Instant) -> Result<Duration> {
    let console = qemu.stdout.take().context("the console is piped")?;
    for line in BufReader::new(console).split(b'\n') {
        if String::from_utf8_lossy(&line?).contains("vthost-ready: ssh") {
            break;
        }
        if begun.elapsed() > PATIENCE {
            bail!("the guest is not ready after {PATIENCE:?}");
        }
    }
    let ssh = Command::new("sshpass")
        .args(["-p", "123456", "ssh", "-p", &port.to_string()])
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ])
        .args([
            "-o",
            "PreferredAuthentications=password",
            "-o",
            "LogLevel=ERROR",
        ])
        .args(["root@127.0.0.1", "uname -n"])
        .output()
        .context("cannot run sshpass")?;
    ensure!(
        ssh.status.success(),
        "ssh failed: {}",
        String::from_utf8_lossy(&ssh.stderr)
    );
    Ok(begun.elapsed())
}
