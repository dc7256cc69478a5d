//! Running the recipe of the default guest, and ending it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};

use super::image::{BootstrapError, JEOS_IMAGE, Progress};

/// How many lines of a failed build the error quotes.
const QUOTED: usize = 20;

/// The process group of the build that runs.
static BUILDER: Mutex<Option<Pid>> = Mutex::new(None);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends the build that runs, if one does; said once more, without giving it time to clean up. `false` if there is none.
pub fn interrupt() -> bool {
    let signal = match INTERRUPTED.swap(true, Ordering::Relaxed) {
        false => Signal::TERM,
        true => Signal::KILL,
    };
    let Ok(builder) = BUILDER.lock() else {
        return false;
    };
    match *builder {
        // It may have ended by itself just now.
        Some(group) => kill_process_group(group, signal).is_ok(),
        None => false,
    }
}

/// Whether [`interrupt`] was called.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

fn set_builder(group: Option<Pid>) {
    if let Ok(mut builder) = BUILDER.lock() {
        *builder = group;
    }
}

/// Runs `build.sh` of the recipe in a process group of its own. What it needs on the way lies below the recipe, so that
/// nothing is left of it when that is removed.
pub(super) fn run(
    recipe: &Path,
    out: &Path,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(), BootstrapError> {
    let script = recipe.join("build.sh");
    let failed = |source| BootstrapError::Io {
        what: "run",
        path: script.clone(),
        source,
    };
    let temporary = recipe.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(failed)?;
    let (reader, writer) = io::pipe().map_err(failed)?;
    let mut child = Command::new("bash")
        .arg(&script)
        .arg("--out")
        .arg(out)
        .env("TMPDIR", &temporary)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer)
        .spawn()
        .map_err(failed)?;
    let group = Pid::from_child(&child);
    set_builder(Some(group));
    let mut tail = VecDeque::with_capacity(QUOTED);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(failed)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        tell(Progress::Output(&line));
        if tail.len() == QUOTED {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    set_builder(None);
    // Whatever of it still runs must not write to what is removed now; mostly there is nothing.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().map_err(failed)?;
    if is_interrupted() {
        return Err(BootstrapError::Interrupted);
    }
    if status.success() {
        return Ok(());
    }
    Err(BootstrapError::Build {
        image: JEOS_IMAGE.to_owned(),
        status,
        tail: Vec::from(tail).join("\n"),
    })
}
