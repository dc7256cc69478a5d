//! Copies over a real sshd: sftp, scp where there is no sftp, and what a guest must not be able to do.

mod faults;
mod forgetful;
mod hostile;
mod links;
mod trees;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use vthost_guest::transfer::{Carrier, TransferOptions};
use vthost_guest::{FileTransfer, SshConnection, SshOptions};

use crate::server::{SOON, Sshd};

/// A host directory, a guest directory (both are here), and a way between them.
pub(super) struct Scene {
    pub(super) dir: TempDir,
    pub(super) transfer: FileTransfer,
    pub(super) connection: SshConnection,
}

impl Scene {
    pub(super) async fn new(carrier: Carrier) -> Self {
        let sshd = match carrier {
            Carrier::Sftp => Arc::new(Sshd::with_sftp()),
            _ => Arc::new(Sshd::new()),
        };
        let target = sshd.listen().await;
        let connection = SshConnection::connect(&target, &SshOptions::default())
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("host")).unwrap();
        fs::create_dir(dir.path().join("guest")).unwrap();
        // The carrier is found out, not told.
        let transfer = FileTransfer::ssh(connection.clone());
        Self {
            dir,
            transfer,
            connection,
        }
    }

    pub(super) fn host(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("host").join(path)
    }

    pub(super) fn guest(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("guest").join(path)
    }

    /// A path in the guest as bytes.
    pub(super) fn remote(&self, path: &str) -> Vec<u8> {
        self.guest(path).as_os_str().as_bytes().to_vec()
    }
}

pub(crate) fn options() -> TransferOptions {
    TransferOptions {
        timeout: Duration::from_secs(120),
        operation_timeout: SOON,
        ..TransferOptions::default()
    }
}

/// A tree with everything that can be in one: empty things, modes, odd names, a large file.
pub(super) fn make_tree(top: &Path, carrier: Carrier) {
    fs::create_dir_all(top.join("sub/empty")).unwrap();
    fs::write(top.join("empty file"), "").unwrap();
    // `scp` sends a line end encoded.
    let line_end = if carrier == Carrier::Sftp { "\n" } else { "" };
    fs::write(top.join(format!("sub/ünï 'q' $x{line_end}.txt")), "text").unwrap();
    fs::write(top.join("sub/-rf"), "dash").unwrap();
    fs::write(top.join("program"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(top.join("program"), PermissionsExt::from_mode(0o751)).unwrap();
    let big: Vec<u8> = (0..3_000_017_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(top.join("sub/big"), big).unwrap();
    fs::write(top.join("sub/exact"), vec![7; 2 * 31 * 1024]).unwrap();
    fs::set_permissions(top.join("sub"), PermissionsExt::from_mode(0o710)).unwrap();
}

/// Every path of a tree with its kind, mode and content.
pub(super) fn listing(top: &Path) -> Vec<(Vec<u8>, u32, Vec<u8>)> {
    fn walk(top: &Path, dir: &Path, all: &mut Vec<(Vec<u8>, u32, Vec<u8>)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(top).unwrap().as_os_str().as_bytes();
            let (mode, content) = if meta.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                (0o120_000, target.as_os_str().as_bytes().to_vec())
            } else if meta.is_dir() {
                (meta.mode(), Vec::new())
            } else {
                (meta.mode(), fs::read(&path).unwrap())
            };
            all.push((name.to_vec(), mode, content));
            if meta.is_dir() {
                walk(top, &path, all);
            }
        }
    }
    let mut all = Vec::new();
    walk(top, top, &mut all);
    all.sort();
    all
}

#[track_caller]
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (listing(one), listing(other));
    let names = |tree: &[(Vec<u8>, u32, Vec<u8>)]| -> Vec<String> {
        tree.iter()
            .map(|(name, mode, content)| {
                let name = String::from_utf8_lossy(name);
                format!("{name:?} {mode:o} {}", content.len())
            })
            .collect()
    };
    assert_eq!(names(&one), names(&other));
    assert!(one == other, "the same names with other content");
}

pub(crate) fn names(top: &Path) -> Vec<String> {
    listing(top)
        .into_iter()
        .map(|(name, mode, _)| {
            let kind = if mode & 0o170_000 == 0o120_000 {
                "@"
            } else {
                ""
            };
            format!("{}{kind}", String::from_utf8(name).unwrap())
        })
        .collect()
}
