//! The default guest, built on the spot.
//!
//! The recipe is in `deps/jeos` and part of this program. An image is built again only when the recipe changed: a
//! stamp beside it holds the digest of the recipe that it came from.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::recipe;
use crate::Dirs;
use crate::lock::Lock;

/// The image of the default guest, without its directory.
pub const JEOS_IMAGE: &str = "jeos-12-x86_64.qcow2";

/// How many lines of a failed build the error quotes.
const QUOTED: usize = 20;

/// What says which recipe the image was built from.
const STAMP: &str = "jeos-12-x86_64.json";

/// What the build is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// There is nothing to do.
    Fresh(&'a str),
    /// Another process builds the image; this one waits for it.
    Waiting(&'a str),
    /// A step begins.
    Started(&'a str),
    /// A line of what a step prints.
    Output(&'a str),
    /// A step is done.
    Finished(&'a str, Duration),
}

/// Why a machine could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// Programs are missing.
    #[error("these packages are missing: {}; install them with: apt-get install --no-install-recommends {}", .0.join(" "), .0.join(" "))]
    Packages(Vec<String>),
    /// A file or directory cannot be used.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The build of the image failed.
    #[error("the build of {image} failed ({status}); its last words:\n{tail}")]
    Build {
        /// The image.
        image: String,
        /// How the build ended.
        status: std::process::ExitStatus,
        /// What it printed last.
        tail: String,
    },
}

/// What an image was built from.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    recipe: String,
}

/// Builds the image of the default guest, unless it is there and from this recipe, or `force` is set.
///
/// # Errors
/// [`BootstrapError`] with what is missing and what to do.
pub fn build_image(
    dirs: &Dirs,
    force: bool,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, BootstrapError> {
    let images = dirs.images();
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| BootstrapError::Io { what, path, source }
    };
    fs::create_dir_all(&images).map_err(failed("make", &images))?;
    // Two bootstraps at a time would build the same image twice.
    let lock_path = images.join(".lock");
    let _lock = Lock::acquire(&lock_path, &mut |holder| tell(Progress::Waiting(holder)))
        .map_err(failed("lock", &lock_path))?;

    let (image, stamp) = (images.join(JEOS_IMAGE), images.join(STAMP));
    let what = format!("guest image {}", image.display());
    if !force && is_fresh(dirs) {
        tell(Progress::Fresh(&what));
        return Ok(image);
    }
    let missing = recipe::missing_packages();
    if !missing.is_empty() {
        return Err(BootstrapError::Packages(missing));
    }
    tell(Progress::Started(&what));
    let begun = Instant::now();
    let dir = tempfile::tempdir().map_err(failed("make", &std::env::temp_dir()))?;
    recipe::extract(dir.path()).map_err(failed("write", dir.path()))?;
    let new = images.join(format!(".new-{JEOS_IMAGE}"));
    run(dir.path(), &new, tell)?;
    // Tests write to overlays; nothing may change what is below them.
    fs::set_permissions(&new, fs::Permissions::from_mode(0o444))
        .map_err(failed("protect", &new))?;
    fs::rename(&new, &image).map_err(failed("replace", &image))?;
    let recipe = recipe::digest();
    let json = serde_json::to_vec(&Stamp { recipe }).map_err(|error| BootstrapError::Io {
        what: "write",
        path: stamp.clone(),
        source: error.into(),
    })?;
    fs::write(&stamp, json).map_err(failed("write", &stamp))?;
    tell(Progress::Finished(&what, begun.elapsed()));
    Ok(image)
}

/// Whether the image is there and from the recipe of this vthost.
pub fn is_fresh(dirs: &Dirs) -> bool {
    let images = dirs.images();
    images.join(JEOS_IMAGE).exists()
        && read_stamp(&images.join(STAMP)).is_some_and(|stamp| stamp.recipe == recipe::digest())
}

fn read_stamp(path: &Path) -> Option<Stamp> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn run(
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
    let (reader, writer) = io::pipe().map_err(failed)?;
    let mut child = Command::new("bash")
        .arg(&script)
        .arg("--out")
        .arg(out)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer)
        .spawn()
        .map_err(failed)?;
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
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(BootstrapError::Build {
        image: JEOS_IMAGE.to_owned(),
        status,
        tail: Vec::from(tail).join("\n"),
    })
}
