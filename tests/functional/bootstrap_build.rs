//! The build of the default guest is ended: by the operator, or by whatever kills vthost.
//!
//! The recipe itself takes minutes; here a program called `bash` stands for it, which begins and does not end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;
use vthost_tests::vthost;

/// A home without an image, a place for temporary files, and a `bash` that writes its process there.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["bin", "tmp"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        let bash = place.path("bin/bash");
        let script = format!(
            "#!/bin/sh\ntouch \"$3\"\necho $$ > {0}.new\nmv {0}.new {0}\nexec sleep 600\n",
            place.path("builder").display()
        );
        fs::write(&bash, script).unwrap();
        fs::set_permissions(bash, fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn bootstrap(&self) -> Child {
        let path = std::env::var("PATH").unwrap();
        vthost()
            .arg("bootstrap")
            .env("VTHOST_HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The build, once it has begun.
    fn builder(&self) -> Pid {
        let written = || fs::read_to_string(self.path("builder")).ok();
        let text = wait_for(written);
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    fn unfinished(&self) -> usize {
        let images = fs::read_dir(self.path("home/data/images")).unwrap();
        let names = images.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with(".new-"))
            .count()
    }
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not come"
        );
        std::thread::yield_now();
    }
}

/// Whether a process has ended. One that nobody waited for yet has, too.
fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[test]
fn ctrl_c_ends_the_build_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let mut child = place.bootstrap();
        let builder = place.builder();
        // To vthost alone: who sends it from elsewhere knows nothing of the build.
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(8));
        assert!(is_gone(builder));
        assert_eq!(place.unfinished(), 0);
        assert!(is_empty(&place.path("tmp")));
    }
}

#[test]
fn nobody_builds_beside_a_build_that_was_left_alone() {
    let place = Place::new();
    let mut killed = place.bootstrap();
    let builder = place.builder();
    kill_process(Pid::from_child(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    assert!(!is_gone(builder));
    fs::remove_file(place.path("builder")).unwrap();

    let mut second = place.bootstrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let waits = lines.any(|line| line.unwrap().contains("Waiting"));
    assert!(waits && !place.path("builder").exists());
    kill_process(builder, Signal::KILL).unwrap();
    // Now it is its turn; what the first left is taken away.
    let next = place.builder();
    assert_eq!(place.unfinished(), 1);
    kill_process(Pid::from_child(&second), Signal::INT).unwrap();
    let _ = lines.count();
    assert_eq!(second.wait().unwrap().code(), Some(8));
    assert!(is_gone(next));
}

/// Not a test of vthost: without it the tests above could pass because nothing was started.
#[test]
fn the_stand_in_is_started() {
    let place = Place::new();
    let out = place.path("out");
    let mut bash = Command::new(place.path("bin/bash"))
        .args(["build.sh", "--out"])
        .arg(&out)
        .spawn()
        .unwrap();
    assert_eq!(place.builder(), Pid::from_child(&bash));
    assert!(out.exists());
    bash.kill().unwrap();
    bash.wait().unwrap();
}
