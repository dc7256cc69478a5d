//! What a test left behind: processes, and taps.
//!
//! After the postprocess, nothing that this process started may live but the machines that are kept. Whatever a child
//! of a child leaves comes to this process ([`adopt_orphans`]), so that no double fork gets away.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};
use vthost_qemu::tap_prefix;

use crate::Pool;

/// How long a killed process may take to disappear.
const GRACE: Duration = Duration::from_secs(10);

/// Makes this process the parent of every orphan among its descendants. Call it once, before anything is started.
///
/// # Errors
/// The kernel refuses it.
pub fn adopt_orphans() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Ends everything that was left, and names it: each line is a defect.
pub(crate) async fn end_all(pool: &Pool) -> Vec<String> {
    let left = strays(pool);
    let mut problems: Vec<String> = left
        .iter()
        .map(|process| format!("the process {} ({}) was left", process.pid, process.name))
        .collect();
    problems.extend(taps(pool).into_iter().map(|tap| {
        format!("the tap {tap} was left on this host; `ip link delete {tap}` removes it")
    }));
    let pids: Vec<Pid> = left
        .iter()
        .filter_map(|left| Pid::from_raw(left.pid))
        .collect();
    for pid in &pids {
        // It may have ended since.
        let _ = rustix::process::kill_process(*pid, Signal::KILL);
    }
    let reaped = tokio::task::spawn_blocking(move || {
        for pid in pids {
            // The children of one that was killed come to this process, which is their turn after it in the list.
            let mut ended = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            while matches!(ended, Err(Errno::INTR)) {
                ended = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            }
        }
    });
    if tokio::time::timeout(GRACE, reaped).await.is_err() {
        problems.push(format!("what was left did not end within {GRACE:?}"));
    }
    problems
}

/// A process as `/proc` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    name: String,
    is_zombie: bool,
}

/// The living descendants of this process that belong to no machine that is kept, parents before their children.
fn strays(pool: &Pool) -> Vec<Process> {
    if has_no_children() {
        return Vec::new();
    }
    let all = processes();
    let kept = pool.kept();
    let dirs: Vec<PathBuf> = kept
        .iter()
        .flat_map(|vm| &vm.hardware().dirs)
        .map(|dir| dir.path().to_owned())
        .collect();
    let machines = machines(pool);
    // What helps a machine runs in the machine's directory.
    let is_kept = |process: &Process| {
        machines.contains(&process.pid)
            || fs::read_link(format!("/proc/{}/cwd", process.pid))
                .is_ok_and(|cwd| dirs.iter().any(|dir| cwd.starts_with(dir)))
    };
    descendants(rustix::process::getpid().as_raw_nonzero().get(), &all)
        .into_iter()
        .filter(|process| !process.is_zombie && !is_kept(process))
        .collect()
}

/// Whether this process has no child at all, not even one that has ended: the kernel tells that without a look at every
/// process of the host.
fn has_no_children() -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(
        rustix::process::waitid(WaitId::All, look),
        Err(Errno::CHILD)
    )
}

/// The processes of the machines that are kept.
fn machines(pool: &Pool) -> BTreeSet<i32> {
    let kept = pool.kept();
    let pids = kept.iter().filter_map(|vm| vm.alive()).map(|vm| vm.pid());
    pids.filter_map(|pid| i32::try_from(pid).ok()).collect()
}

/// The descendants of a process, parents before their children.
fn descendants(root: i32, all: &[Process]) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `pid (name) state ppid ...`; the name may contain anything, so count from its last parenthesis.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    Some(Process {
        pid,
        is_zombie: fields.next()? == "Z",
        parent: fields.next()?.parse().ok()?,
        name: head.split_once('(')?.1.to_owned(),
    })
}

/// The taps that this process made and that belong to no machine that is kept.
fn taps(pool: &Pool) -> Vec<String> {
    let kept: BTreeSet<String> = machines(pool).into_iter().flat_map(open_taps).collect();
    // The network of this thread, wherever `/sys` is from.
    let listing = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    interfaces(&listing, &tap_prefix())
        .filter(|name| !kept.contains(*name))
        .map(str::to_owned)
        .collect()
}

/// The interfaces of a listing of the kernel (`name: figures`) whose names begin so.
fn interfaces<'l>(listing: &'l str, prefix: &str) -> impl Iterator<Item = &'l str> {
    let names = listing.lines().filter_map(|line| line.split_once(':'));
    names
        .map(|(name, _)| name.trim())
        .filter(move |name| name.starts_with(prefix))
}

/// The taps that a process has open.
fn open_taps(pid: i32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo"));
    let files = entries.into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let told = fs::read_to_string(file.path()).ok()?;
            let tap = told.lines().find_map(|line| line.strip_prefix("iff:"))?;
            Some(tap.trim().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn descendants_of_descendants_are_found() {
        let stats = [
            (10, "10 (vthost) S 1 10"),
            (11, "11 (sh) S 10 11"),
            (12, "12 (a) b) S 11 11"),
            (13, "13 (dead) Z 10 13"),
            (20, "20 (other) S 1 20"),
        ];
        let all: Vec<_> = stats.map(|(pid, stat)| parse(pid, stat).unwrap()).to_vec();
        let found = descendants(10, &all);
        let names: Vec<_> = found.iter().map(|process| &*process.name).collect();
        assert_eq!(names, ["sh", "dead", "a) b"]);
        assert!(found[1].is_zombie);
    }

    #[tokio::test]
    async fn a_process_that_forked_twice_is_found_and_ended() {
        adopt_orphans().unwrap();
        let shell = std::process::Command::new("sh")
            .args(["-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!"])
            .output()
            .unwrap();
        let problems = end_all(&Pool::default()).await;
        let pid = String::from_utf8(shell.stdout).unwrap();
        let pid = pid.trim();
        // It may not have become `sleep` yet.
        let [problem] = &problems[..] else {
            panic!("{problems:?}");
        };
        assert!(
            problem.starts_with(&format!("the process {pid} (")),
            "{problem}"
        );
        assert!(!Path::new("/proc").join(pid).exists());
        assert_eq!(end_all(&Pool::default()).await, [""; 0]);
    }

    #[test]
    fn only_taps_of_ours_are_left_behind() {
        let listing =
            "Inter-| Receive\n face |bytes\n    lo: 0 0\n vthost1f-0: 0 0\nvthost2f-0: 0\n";
        let found: Vec<_> = interfaces(listing, "vthost1f-").collect();
        assert_eq!(found, ["vthost1f-0"]);
    }
}
