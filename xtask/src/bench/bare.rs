//! The same boot without vthost: the command line that vthost made, and the system's own ssh.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a boot may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// From the start of QEMU to the end of the first command over ssh, and to the end of QEMU.
pub(crate) struct Bare {
    /// To the end of the first command.
    pub(crate) to_command: Duration,
    /// To the end of QEMU.
    pub(crate) whole: Duration,
}

/// Boots the image with the hardware that vthost's default variant has.
pub(crate) fn boot(image: &Path, dir: &Path) -> Result<Bare> {
    let begun = Instant::now();
    let overlay = dir.join("overlay.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .arg(image)
        .arg(&overlay)
        .status()?;
    ensure!(made.success(), "qemu-img failed");
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut qemu = Command::new("qemu-system-x86_64")
        .args([
            "-nodefaults",
            "-no-user-config",
            "-machine",
            "pc",
            "-accel",
            "tcg",
        ])
        .args([
            "-cpu",
            "Nehalem,+rdrand",
            "-smp",
            "2",
            "-m",
            "1024",
            "-vga",
            "std",
            "-display",
            "none",
        ])
        .arg("-drive")
        .arg(format!(
            "file={},if=virtio,format=qcow2,cache=unsafe",
            overlay.display()
        ))
        .args([
            "-device",
            "virtio-rng-pci",
            "-device",
            "virtio-net-pci,netdev=n",
        ])
        .arg("-netdev")
        .arg(format!(
            "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"
        ))
        .args(["-device", "virtio-serial-pci", "-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run qemu-system-x86_64")?;
    let result = first_command(&mut qemu, port, begun);
    qemu.kill()?;
    qemu.wait()?;
    std::fs::remove_file(&overlay)?;
    Ok(Bare {
        to_command: result?,
        whole: begun.elapsed(),
    })
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
