//! The default guest, built on the spot.
//!
//! The recipe is in `deps/jeos` and part of this program. An image is built again only when the recipe changed: a
//! stamp beside it holds the digest of the recipe that it came from.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::recipe;
use crate::Dirs;
use crate::asset::usable;
use crate::lock::Lock;

/// The image of the default guest, without its directory.
pub const JEOS_IMAGE: &str = "jeos-12-x86_64.qcow2";

/// How the names of images begin that are not finished.
const UNFINISHED: &str = ".new-";

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
    /// The operator ended the build.
    #[error("the build was interrupted")]
    Interrupted,
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
) -> Result<Built, BootstrapError> {
    let images = dirs.images();
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| BootstrapError::Io { what, path, source }
    };
    fs::create_dir_all(&images).map_err(failed("make", &images))?;
    // Two bootstraps at a time would build the same image twice.
    let lock_path = images.join(".lock");
    let lock = Lock::acquire(&lock_path, &mut |holder| tell(Progress::Waiting(holder)))
        .map_err(failed("lock", &lock_path))?;
    // A build that outlives this process keeps the lock: nobody builds beside it.
    lock.leave_to_children()
        .map_err(failed("lock", &lock_path))?;

    let (image, stamp) = (images.join(JEOS_IMAGE), images.join(STAMP));
    let what = format!("guest image {}", image.display());
    // Asked once more under the lock: whoever held it may have built it.
    if !force && matches!(state(dirs), State::Fresh | State::Own) {
        tell(Progress::Fresh(&what));
        return Ok(Built::No);
    }
    let missing = recipe::missing_packages();
    if !missing.is_empty() {
        return Err(BootstrapError::Packages(missing));
    }
    // Before the first file that has to be taken away again, so that it goes after the last.
    let build = Build::begin()?;
    tell(Progress::Started(&what));
    let begun = Instant::now();
    let dir = tempfile::tempdir().map_err(failed("make", &std::env::temp_dir()))?;
    recipe::extract(dir.path()).map_err(failed("write", dir.path()))?;
    remove_unfinished(&images).map_err(failed("clean", &images))?;
    let new = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(&images)
        .map_err(failed("write to", &images))?
        .into_temp_path();
    build.run(dir.path(), &new, tell)?;
    // Tests write to overlays; nothing may change what is below them.
    fs::set_permissions(&new, fs::Permissions::from_mode(0o444))
        .map_err(failed("protect", &new))?;
    new.persist(&image)
        .map_err(|error| failed("replace", &image)(error.error))?;
    let recipe = recipe::digest();
    let json = serde_json::to_vec(&Stamp { recipe }).map_err(|error| BootstrapError::Io {
        what: "write",
        path: stamp.clone(),
        source: error.into(),
    })?;
    fs::write(&stamp, json).map_err(failed("write", &stamp))?;
    tell(Progress::Finished(&what, begun.elapsed()));
    Ok(Built::Yes)
}

/// Removes what builds left that were killed. Whoever calls holds the lock, so that none runs.
fn remove_unfinished(images: &Path) -> io::Result<()> {
    for entry in fs::read_dir(images)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether an image was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// It was built now.
    Yes,
    /// There was nothing to do, or somebody else did it meanwhile.
    No,
}

/// What is in the place of the default guest's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// The image, from the recipe of this vthost.
    Fresh,
    /// The image, from another recipe.
    Outdated,
    /// A file of which nothing is known: the operator put it there.
    Own,
    /// Something that is no image: it is no file, empty, or cannot be read.
    Unusable,
}

/// What is in the place of the default guest's image.
pub fn state(dirs: &Dirs) -> State {
    let images = dirs.images();
    if images.join(JEOS_IMAGE).symlink_metadata().is_err() {
        return State::Absent;
    }
    if !usable(&images.join(JEOS_IMAGE)).unwrap_or(false) {
        return State::Unusable;
    }
    match read_stamp(&images.join(STAMP)) {
        Some(stamp) if stamp.recipe == recipe::digest() => State::Fresh,
        Some(_) => State::Outdated,
        None => State::Own,
    }
}

fn read_stamp(path: &Path) -> Option<Stamp> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
