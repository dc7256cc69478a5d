//! Running the recipe of the default guest, and ending it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use super::image::{BootstrapError, JEOS_IMAGE, Progress};

/// How many lines of a failed build the error quotes.
const QUOTED: usize = 20;

/// The build of this process.
static BUILD: Control = Control::new();

/// Ends the build that runs, if one does; said once more, without giving it time to clean up. `false` if there is none:
/// then nothing has to be taken away, either.
pub fn interrupt() -> bool {
    BUILD.interrupt()
}

/// Whether [`interrupt`] was called.
pub fn is_interrupted() -> bool {
    BUILD.state().interrupted
}

/// How far a build is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// There is none.
    Idle,
    /// What the recipe needs is made, or taken away.
    Around,
    /// The recipe runs, as this process group.
    Recipe(Pid),
}

#[derive(Debug)]
struct State {
    stage: Stage,
    interrupted: bool,
}

/// What a build and whoever interrupts it know of each other.
#[derive(Debug)]
struct Control(Mutex<State>);

impl Control {
    const fn new() -> Self {
        Self(Mutex::new(State {
            stage: Stage::Idle,
            interrupted: false,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interrupt(&self) -> bool {
        let mut state = self.state();
        let signal = match std::mem::replace(&mut state.interrupted, true) {
            false => Signal::TERM,
            true => Signal::KILL,
        };
        match state.stage {
            Stage::Idle => false,
            Stage::Around => true,
            Stage::Recipe(group) => {
                // It may have ended by itself just now.
                let _ = kill_process_group(group, signal);
                true
            }
        }
    }
}

/// A build, from the first file that it makes to the last that it takes away. While it lives, an interrupt is its to
/// answer.
#[derive(Debug)]
pub(super) struct Build<'a>(&'a Control);

impl Build<'static> {
    /// Begins the build of this process, unless it was interrupted: it may be about to end, and would leave what a build
    /// makes now.
    ///
    /// # Errors
    ///
    /// [`BootstrapError::Interrupted`].
    pub(super) fn begin() -> Result<Self, BootstrapError> {
        Self::under(&BUILD)
    }
}

impl Drop for Build<'_> {
    fn drop(&mut self) {
        self.0.state().stage = Stage::Idle;
    }
}

impl<'a> Build<'a> {
    fn under(control: &'a Control) -> Result<Self, BootstrapError> {
        let mut state = control.state();
        if state.interrupted {
            return Err(BootstrapError::Interrupted);
        }
        state.stage = Stage::Around;
        Ok(Self(control))
    }

    /// Runs `build.sh` of the recipe in a process group of its own. What it needs on the way lies below the recipe, so that
    /// nothing is left of it when that is removed.
    pub(super) fn run(
        &self,
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
        let mut state = self.0.state();
        if state.interrupted {
            return Err(BootstrapError::Interrupted);
        }
        // An interrupt waits meanwhile: it would miss a program that runs and is not known yet.
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
        state.stage = Stage::Recipe(group);
        drop(state);
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
        self.0.state().stage = Stage::Around;
        // Whatever of it still runs must not write to what is removed now; mostly there is nothing.
        let _ = kill_process_group(group, Signal::KILL);
        let status = child.wait().map_err(failed)?;
        if self.0.state().interrupted {
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
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A recipe that says when it has begun, and does not end.
    fn recipe(dir: &Path) -> PathBuf {
        let begun = dir.join("begun");
        let script = format!("echo begun; : > {}; exec sleep 600\n", begun.display());
        std::fs::write(dir.join("build.sh"), script).unwrap();
        begun
    }

    #[test]
    fn nothing_begins_after_an_interrupt() {
        let control = Control::new();
        assert!(!control.interrupt());
        let begun = Build::under(&control);
        assert!(matches!(begun, Err(BootstrapError::Interrupted)));
        assert!(!control.interrupt());
    }

    #[test]
    fn an_interrupt_before_the_recipe_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let begun = recipe(dir.path());
        let control = Control::new();
        let build = Build::under(&control).unwrap();
        assert!(control.interrupt());
        let ended = build.run(dir.path(), &dir.path().join("out"), &mut |_| {});
        assert!(matches!(ended, Err(BootstrapError::Interrupted)));
        assert!(!begun.exists());
    }

    #[test]
    fn an_interrupt_ends_the_recipe_and_leaves_the_rest_to_the_build() {
        let dir = tempfile::tempdir().unwrap();
        recipe(dir.path());
        let control = Control::new();
        let build = Build::under(&control).unwrap();
        let ended = build.run(dir.path(), &dir.path().join("out"), &mut |progress| {
            assert_eq!(progress, Progress::Output("begun"));
            assert!(control.interrupt());
        });
        assert!(matches!(ended, Err(BootstrapError::Interrupted)));
        assert!(control.interrupt());
        drop(build);
        assert!(!control.interrupt());
    }
}
