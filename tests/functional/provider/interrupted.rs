//! Killed in the middle, and two at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::fixture::{Place, Repository};

/// A repository behind an ssh that stops in the middle of what it sends, until it is told to go on.
struct Slow {
    place: Place,
    up: Repository,
    one: String,
    two: String,
}

/// Sends the first bytes, says so, and waits.
const SSH: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
if [ -e slow ]; then
    sh -c "$2" | { dd bs=512 count=100 2> log; echo > stalled; read go < go; cat; }
else
    sh -c "$2"
fi
"#;

impl Slow {
    fn new() -> Self {
        let place = Place::new();
        let up = place.repository("up");
        let one = up.head();
        // Random bytes: what is sent is as large.
        let random = fs::read("/proc/sys/kernel/random/uuid").unwrap();
        let mut noise = Vec::new();
        let mut state = random.iter().fold(0u64, |state, byte| {
            state.wrapping_mul(257).wrapping_add(u64::from(*byte))
        });
        for _ in 0..64_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise.extend_from_slice(&state.to_le_bytes()[4..]);
        }
        fs::write(up.path.join("noise"), noise).unwrap();
        let two = up.commit("two");
        let ssh = place.write("ssh", SSH);
        fs::set_permissions(ssh, fs::Permissions::from_mode(0o755)).unwrap();
        for fifo in ["stalled", "go"] {
            let made = Command::new("mkfifo").arg(place.path(fifo)).status();
            assert!(made.unwrap().success());
        }
        let slow = Self {
            place,
            up,
            one,
            two,
        };
        slow.define(&slow.one);
        let printed = vthost_tests::output(&mut slow.update());
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        slow
    }

    fn define(&self, commit: &str) {
        let path = self.up.path.display();
        self.place.define(
            "p",
            &format!("[provider]\nuri: git@slow:{path}\nref: {commit}\n[qemu]\nsubdir: qemu\n"),
        );
    }

    fn update(&self) -> Command {
        let mut command = self.place.command(&["update", "p"]);
        command
            .env("GIT_SSH_COMMAND", self.place.path("ssh"))
            .env("GIT_SSH_VARIANT", "simple");
        command
    }

    /// An update that stands in the middle of what it gets.
    fn stalled(&self) -> Child {
        self.place.write("slow", "");
        let child = self
            .update()
            .process_group(0)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Opens and reads when the other end writes.
        assert_eq!(fs::read(self.place.path("stalled")).unwrap(), b"\n");
        child
    }

    fn unfinished(&self) -> usize {
        let clones = self.place.clones("p");
        clones
            .iter()
            .filter(|name| name.starts_with(".fetch-"))
            .count()
    }
}

#[test]
fn a_kill_in_the_middle_of_a_clone_leaves_the_old_state() {
    let slow = Slow::new();
    let place = &slow.place;
    let pins = fs::read(place.path("home/data/providers/providers.lock")).unwrap();
    slow.define(&slow.two);
    let mut child = slow.stalled();
    assert_eq!(slow.unfinished(), 1, "it stands in the middle");
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    assert!(!child.wait().unwrap().success());

    assert_eq!(
        fs::read(place.path("home/data/providers/providers.lock")).unwrap(),
        pins
    );
    assert_eq!(
        place.status("p")["state"],
        "changed",
        "it asks for what is not there"
    );
    slow.define(&slow.one);
    let status = place.status("p");
    assert_eq!(
        (&status["state"], &status["commit"]),
        (&"ready".into(), &slow.one.clone().into())
    );
    place.good(&["verify", "p"]);

    // The next one cleans up, and comes to its end.
    fs::remove_file(place.path("slow")).unwrap();
    slow.define(&slow.two);
    let printed = vthost_tests::output(&mut slow.update());
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(slow.unfinished(), 0);
    assert_eq!(place.status("p")["commit"], slow.two);
    place.good(&["verify", "p"]);
}

#[test]
fn of_two_updates_at_a_time_the_second_waits() {
    let slow = Slow::new();
    slow.define(&slow.two);
    let first = slow.stalled();
    let second = slow.update().stderr(Stdio::piped()).spawn().unwrap();
    let waits = format!(" {} ", second.id());
    loop {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        if locks
            .lines()
            .any(|line| line.contains("-> FLOCK") && line.contains(&waits))
        {
            break;
        }
        std::thread::yield_now();
    }
    fs::write(slow.place.path("go"), "go\n").unwrap();
    let [first, second] = [first, second].map(|child| {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    });
    assert!(first.contains("Updated p"), "{first}");
    assert!(second.contains("Fresh p"), "{second}");
    assert_eq!(slow.place.status("p")["commit"], slow.two);
}
