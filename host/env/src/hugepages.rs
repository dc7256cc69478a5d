//! Huge pages of the host that are reserved for a test.
//!
//! What was reserved stands in the directory of the running job, so that it is given back also if vthost is killed.

use std::fs;
use std::io;
use std::path::Path;

use vthost_params::Params;
use vthost_params::registry::Unit;

use crate::preprocess::Task;
use crate::spec::machine_mib;
use crate::{Error, ErrorKind, Result};

/// How many huge pages of the usual size the kernel keeps.
const RESERVED: &str = "/proc/sys/vm/nr_hugepages";
/// What the kernel tells of them.
const MEMINFO: &str = "/proc/meminfo";
/// The file in the directory of the job: how many pages were added to those that the host had.
const NOTE: &str = "hugepages";

const MIB: u64 = 1 << 20;

/// With `setup_hugepages = yes`, reserves as many huge pages as are missing for the machines with `hugepage = yes` that
/// are still to be started: their memory and `hugepages_qemu_overhead` for each. `target_hugepages` says how many the test
/// needs altogether in their place.
pub(crate) fn reserve(task: &Task<'_>) -> Result<()> {
    let params = task.params;
    if !params.flag("setup_hugepages", false)? {
        return Ok(());
    }
    let info = fs::read_to_string(MEMINFO).unwrap_or_default();
    let figure = |name| figure(&info, name).unwrap_or_default();
    let page = figure("Hugepagesize") << 10;
    if page == 0 {
        let text = "setup_hugepages = yes, and the kernel of this host has no huge pages";
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let kept = task.context.pool.kept();
    let starts = |name: &str| !kept.iter().any(|vm| vm.name() == name);
    let needed = match params.number("target_hugepages", 0)? {
        0 => needed(params, page, starts)?,
        target => target,
    };
    let free = figure("HugePages_Free").saturating_sub(figure("HugePages_Rsvd"));
    let missing = needed.saturating_sub(free);
    if missing == 0 {
        return Ok(());
    }
    let dir = task.context.pool.dir();
    let added = add(Path::new(RESERVED), dir, missing).map_err(|error| {
        let text = "huge pages cannot be reserved on this host: setup_hugepages needs root";
        Error::caused(ErrorKind::Other, text, error)
    })?;
    if added < missing {
        // The postprocess gives back what there is.
        let text = format!(
            "this host has memory for {added} of {missing} more huge pages of {} KiB; set a smaller `mem`, or free memory",
            page >> 10
        );
        return Err(Error::new(ErrorKind::Other, text));
    }
    let text = format!("{added} huge pages of {} KiB are reserved", page >> 10);
    task.context.log.info(text);
    Ok(())
}

/// Gives back what was reserved for the job whose directory this is. Pages in use go when nobody uses them any more.
///
/// # Errors
/// [`ErrorKind::Other`] if the kernel refuses it.
pub fn give_back(run_dir: &Path) -> Result<()> {
    sub(Path::new(RESERVED), run_dir).map_err(|error| {
        let text = format!("huge pages of the host cannot be given back; see {RESERVED}");
        Error::caused(ErrorKind::Other, text, error)
    })
}

/// How many pages of so many bytes the machines need that are to be started.
fn needed(params: &Params, page: u64, starts: impl Fn(&str) -> bool) -> Result<u64> {
    let overhead = params.size("hugepages_qemu_overhead", 128 * MIB, Unit::MiB)?;
    let mut pages = 0;
    for name in params.objects("vms") {
        let vm = params.object(name);
        if vm.flag("hugepage", false)? && starts(name) {
            let memory = machine_mib(&vm)?.saturating_mul(MIB);
            pages += memory.saturating_add(overhead).div_ceil(page);
        }
    }
    Ok(pages)
}

/// A line of `/proc/meminfo`.
fn figure(info: &str, name: &str) -> Option<u64> {
    let line = info.lines().find_map(|line| line.strip_prefix(name))?;
    line.strip_prefix(':')?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Adds so many pages to those that are reserved, and notes it. Gives how many there were memory for.
fn add(reserved: &Path, run_dir: &Path, count: u64) -> io::Result<u64> {
    let before = number(reserved)?;
    let noted = number(&run_dir.join(NOTE)).unwrap_or_default();
    let note = |added: u64| fs::write(run_dir.join(NOTE), (noted + added).to_string());
    // First, in case that the next line is the last thing that happens.
    note(count)?;
    let written = fs::write(reserved, (before + count).to_string());
    let added = number(reserved)?.saturating_sub(before);
    note(added)?;
    written.map(|()| added)
}

fn sub(reserved: &Path, run_dir: &Path) -> io::Result<()> {
    let note = run_dir.join(NOTE);
    let added = match fs::exists(&note)? {
        true => number(&note)?,
        false => return Ok(()),
    };
    let rest = number(reserved)?.saturating_sub(added);
    fs::write(reserved, rest.to_string())?;
    fs::remove_file(note)
}

fn number(file: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    text.trim().parse().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_given_back_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let reserved = dir.path().join("reserved");
        fs::write(&reserved, "5\n").unwrap();
        assert_eq!(add(&reserved, dir.path(), 10).unwrap(), 10);
        assert_eq!(add(&reserved, dir.path(), 3).unwrap(), 3);
        // Another job.
        fs::write(&reserved, "20\n").unwrap();
        sub(&reserved, dir.path()).unwrap();
        assert_eq!(number(&reserved).unwrap(), 7);
        sub(&reserved, dir.path()).unwrap();
        assert_eq!(number(&reserved).unwrap(), 7);
    }

    #[test]
    fn pages_are_counted_for_the_machines_that_start() {
        let params = Params::from_pairs([
            ("vms", "vm1 vm2 vm3"),
            ("hugepage", "yes"),
            ("hugepage_vm3", "no"),
            ("mem", "511"),
            ("mem_vm2", "300"),
            ("hugepages_qemu_overhead", "1"),
        ]);
        let page = 2 * MIB;
        assert_eq!(needed(&params, page, |_| true).unwrap(), 256 + 151);
        assert_eq!(needed(&params, page, |name| name == "vm1").unwrap(), 256);
    }

    #[test]
    fn figures_are_read() {
        let info = "HugePages_Free:       12\nHugepagesize:       2048 kB\n";
        assert_eq!(figure(info, "HugePages_Free"), Some(12));
        assert_eq!(figure(info, "Hugepagesize"), Some(2048));
        assert_eq!(figure(info, "Huge"), None);
    }
}
