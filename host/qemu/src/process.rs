//! The QEMU process: started so that it cannot outlive this one, watched through a pidfd, reaped exactly once.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use landlock::RulesetCreated;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

/// How a QEMU process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// Processes of its group that still ran, as `<pid> <name>`; they have been killed. Anything here is a defect.
    pub leftovers: Vec<String>,
    /// Whether this program sent it the signal to end.
    pub by_us: bool,
}

/// All that the child needs.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// Where it runs; also its `TMPDIR`, where QEMU puts the overlays of `snapshot=on`.
    pub(crate) run_dir: PathBuf,
    /// For its standard output and error.
    pub(crate) log: File,
    /// For its standard error, if that is not to be mixed with its output.
    pub(crate) stderr: Option<File>,
    /// Descriptors it inherits, under the numbers they have here.
    pub(crate) inherited: Vec<OwnedFd>,
    pub(crate) ruleset: Option<RulesetCreated>,
}

/// A running or ended QEMU process. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
    exit: watch::Receiver<Option<Exit>>,
    /// Whether a signal to end was sent.
    signalled: Arc<AtomicBool>,
}

impl Process {
    /// Starts the process and a task that waits for its end.
    pub(crate) async fn start(launch: Launch) -> io::Result<Self> {
        let (sender, receiver) = oneshot::channel();
        spawner()?.send((launch, sender)).map_err(|_| gone())?;
        let mut guard = receiver.await.map_err(|_| gone())??;
        let pid = guard.pid();
        let pidfd = Arc::new(rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?);
        #[expect(
            unsafe_code,
            reason = "tokio cannot check that the descriptor stays open"
        )]
        // SAFETY: the `Arc` inside of the `AsyncFd` keeps this one descriptor open for as long as the `AsyncFd` lives,
        // and an `OwnedFd` always gives the same number.
        let watched =
            unsafe { AsyncFd::register_with_interest(Arc::clone(&pidfd), Interest::READABLE) }?;
        let (announce, exit) = watch::channel(None);
        let signalled = Arc::new(AtomicBool::new(false));
        let by_us = Arc::clone(&signalled);
        tokio::spawn(async move {
            // An error here would mean that the descriptor is no pidfd; the drop of the guard kills in any case.
            let ended = watched.readable().await.map(drop);
            tracing::debug!(
                pid = pid.as_raw_nonzero().get(),
                ?ended,
                "qemu process ended"
            );
            if let Ok(mut exit) = guard.reap() {
                exit.by_us = by_us.load(Ordering::SeqCst);
                announce.send_replace(Some(exit));
            }
        });
        Ok(Self {
            pid,
            pidfd,
            exit,
            signalled,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How it ended, if it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit.borrow().clone()
    }

    /// Waits for its end, without limit. `None` if the runtime shut down and nobody watches any more.
    pub(crate) async fn wait(&self) -> Option<Exit> {
        let mut exit = self.exit.clone();
        exit.wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|exit| exit.clone())
    }

    /// Waits for its end at most this long.
    pub(crate) async fn wait_within(&self, limit: Duration) -> Option<Exit> {
        tokio::time::timeout(limit, self.wait())
            .await
            .ok()
            .flatten()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it. The rest of its group is killed when it is reaped.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // One that has ended already, and waits to be reaped, did not end by this.
        let ended = rustix::event::poll(
            &mut [PollFd::new(&self.pidfd, PollFlags::IN)],
            Some(&Timespec::default()),
        );
        if ended != Ok(0) {
            return;
        }
        self.signalled.store(true, Ordering::SeqCst);
        // The only error is that it has ended since, which is what is wanted.
        let _ = rustix::process::pidfd_send_signal(self.pidfd.as_fd(), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes has ended")
}

type Order = (Launch, oneshot::Sender<io::Result<ChildGuard>>);

/// The thread that starts all processes. `PR_SET_PDEATHSIG` fires at the death of the *thread* that forked, and threads
/// of tokio come and go; this one stays for as long as the program runs.
fn spawner() -> io::Result<&'static mpsc::Sender<Order>> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner);
    }
    let (sender, receiver) = mpsc::channel::<Order>();
    thread::Builder::new()
        .name("qemu-spawner".to_owned())
        .spawn(move || {
            for (launch, answer) in receiver {
                // If the asker is gone, the returned guard is dropped, and with it the process.
                let _ = answer.send(spawn(launch));
            }
        })?;
    // If two threads came here at once, the second sender is dropped and its thread ends.
    Ok(SPAWNER.get_or_init(|| sender))
}

fn spawn(launch: Launch) -> io::Result<ChildGuard> {
    let Launch {
        program,
        args,
        run_dir,
        log,
        stderr,
        inherited,
        mut ruleset,
    } = launch;
    let parent = rustix::process::getpid();
    let mut command = Command::new(&program);
    command
        .args(args)
        .current_dir(&run_dir)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .env("TMPDIR", &run_dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(stderr.unwrap_or(log))
        .process_group(0);
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(parent) {
            // The parent died before the signal was armed.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        for descriptor in &inherited {
            rustix::io::fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        match ruleset.take() {
            Some(rules) => rules
                .restrict_self()
                .map(drop)
                .map_err(|_| io::ErrorKind::PermissionDenied.into()),
            None => Ok(()),
        }
    };
    #[expect(
        unsafe_code,
        reason = "pre_exec is unsafe: the closure runs in the forked child"
    )]
    // SAFETY: between fork and exec only async-signal-safe things may happen. The closure makes system calls (prctl,
    // getppid, fcntl, landlock_restrict_self, close) on values made before the fork; it takes no lock and does not
    // allocate, except for the boxed error of a call that the kernel refused, after which the child ends.
    unsafe {
        command.pre_exec(prepare);
    }
    command
        .spawn()
        .map(|child| ChildGuard { child: Some(child) })
}

/// Lets a short-lived child end with the thread that starts it, which has to wait for it.
pub(crate) fn end_with_this_thread(command: &mut Command) {
    #[expect(
        unsafe_code,
        reason = "pre_exec is unsafe: the closure runs in the forked child"
    )]
    // SAFETY: the closure makes one system call (prctl) and neither locks nor allocates.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            Ok(())
        });
    }
}

/// A child that is killed and reaped when it is dropped.
struct ChildGuard {
    child: Option<Child>,
}

impl ChildGuard {
    fn pid(&self) -> Pid {
        self.child.as_ref().map_or(Pid::INIT, Pid::from_child)
    }

    /// Takes the status of the ended leader, and the rest of its group with it. The leader is a zombie until the last
    /// line, so its number cannot belong to anybody else yet.
    fn reap(&mut self) -> io::Result<Exit> {
        let Some(mut child) = self.child.take() else {
            return Err(gone());
        };
        let group = Pid::from_child(&child);
        let leftovers = members(group);
        // No such process: the leader was the only member.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
        Ok(Exit {
            status: child.wait()?,
            leftovers,
            by_us: false,
        })
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It has ended already, or does so now; either way it is reaped.
            let _ = child.kill();
            let _ = self.reap();
        }
    }
}

/// Living processes of a group besides its leader.
fn members(group: Pid) -> Vec<String> {
    let group = group.as_raw_nonzero().get();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|&pid| pid != group)
        .filter_map(|pid| member(pid, group))
        .collect()
}

/// `<pid> <name>` if the process is alive and of this group.
fn member(pid: i32, group: i32) -> Option<String> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // `pid (name) state ppid pgrp ...`; the name may contain anything, so count from its last parenthesis.
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    let state = fields.next()?;
    let its_group: i32 = fields.nth(1)?.parse().ok()?;
    let name = head.split_once('(')?.1;
    (its_group == group && state != "Z").then(|| format!("{pid} {name}"))
}
