//! A program on a pseudo-terminal of its own, as a [`Transport`].

use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::{Child, Command};
use vthost_guest::Transport;

/// Starts a program on a new terminal. The child is killed when dropped.
pub(crate) fn spawn(argv: &[&str]) -> (Transport, Child) {
    let (stream, child) = stream(argv);
    (Transport::from_stream(stream), child)
}

/// Like [`spawn`], as a socket.
pub(crate) fn stream(argv: &[&str]) -> (tokio::net::UnixStream, Child) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let open = || -> OwnedFd {
        rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap()
    };
    let stdio = || Stdio::from(open());
    let child = Command::new("setsid")
        .arg("--ctty")
        .args(argv)
        .env("HOME", "/tmp")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("PS1")
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let copies = (
        File::from(master.try_clone().unwrap()),
        far.try_clone().unwrap(),
    );
    std::thread::spawn(move || {
        // Reading a terminal that was hung up is an error; either way the stream ends.
        let _ = io::copy(&mut File::from(master), &mut &far);
        let _ = far.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let (mut master, mut far) = copies;
        io::copy(&mut far, &mut master)
    });
    near.set_nonblocking(true).unwrap();
    (tokio::net::UnixStream::from_std(near).unwrap(), child)
}
