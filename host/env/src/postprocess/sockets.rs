//! What ended machines left in their directories.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::Problems;
use crate::Environment;

/// Names the sockets and pipes that are left although nobody is there to answer: whoever made them did not end them.
/// The directories are removed with all that is in them.
pub(super) fn left(env: &Environment) -> Problems {
    let ended = env.vms.iter().filter(|vm| vm.alive().is_none());
    ended
        .flat_map(|vm| {
            let dirs = vm.hardware().dirs.iter();
            let ends = dirs.flat_map(|dir| ends_in(dir.path())).collect::<Vec<_>>();
            ends.into_iter()
                .map(|name| format!("{} left {name} in its run directory", vm.name()))
        })
        .collect()
}

fn ends_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_socket() {
                Some(format!("the socket {name}"))
            } else {
                kind.is_fifo().then(|| format!("the pipe {name}"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_told_and_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("image1.qcow2"), "").unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("nbd")).unwrap();
        assert_eq!(ends_in(dir.path()), ["the socket nbd"]);
    }
}
