//! An `scp` in the guest that lies: a script in its place, behind a real sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use vthost_guest::transfer::{Limits, TransferError, TransferFault, TransferOptions};
use vthost_guest::{FileTransfer, SshConnection, SshOptions};

use super::{names, options};
use crate::server::Sshd;

/// Downloads `/x/a` by an `scp` that says these bytes and ends with this status.
async fn from_fake(bytes: &[u8], status: u8) -> (Result<(), TransferError>, Vec<String>) {
    let bin = tempfile::tempdir().unwrap();
    let program = bin.path().join("scp");
    let payload = bin.path().join("payload");
    fs::write(&payload, bytes).unwrap();
    let script = format!("#!/bin/sh\ncat '{}'\nexit {status}\n", payload.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let sshd = Arc::new(Sshd::with_path(bin.path()));
    let (target, ssh) = (sshd.listen().await, SshOptions::default());
    let connection = SshConnection::connect(&target, &ssh).await.unwrap();
    let outer = tempfile::tempdir().unwrap();
    fs::create_dir(outer.path().join("in")).unwrap();
    let limits = Limits {
        entries: 100,
        bytes: 1 << 20,
        depth: 8,
    };
    let options = TransferOptions {
        limits,
        ..options()
    };
    let copied = FileTransfer::scp(connection)
        .copy_files_from("/x/a", outer.path().join("in"), &options)
        .await;
    (copied.map(drop), names(outer.path()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_scp_that_lies() {
    let (copied, names) = from_fake(b"D0755 0 a\nC0644 2 f\nhi\0E\n", 0).await;
    copied.unwrap();
    assert_eq!(names, ["in", "in/a", "in/a/f"]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("a path up", b"C0644 0 ../a\n\0".to_vec()),
        ("up", b"D0755 0 ..\n".to_vec()),
        ("an absolute path", b"C0644 0 /etc/a\n\0".to_vec()),
        ("what was not asked for", b"C0644 0 .bashrc\n\0".to_vec()),
        (
            "a path up, inside",
            b"D0755 0 a\nC0644 0 ../b\n\0E\n".to_vec(),
        ),
        ("leaving too much", b"E\n".to_vec()),
        ("an end inside", b"D0755 0 a\n".to_vec()),
        ("an end within a file", b"C0644 100 a\nabc".to_vec()),
        ("no size", b"C0644 a\n".to_vec()),
        ("16 EiB", b"C0644 18446744073709551615 a\nabc".to_vec()),
        ("a line without end", vec![b'C'; 100_000]),
        ("an unknown message", b"X\n".to_vec()),
        ("an error", b"\x01scp: \x1b[2Jno\n".to_vec()),
        ("too deep", b"D0755 0 a\n".repeat(20)),
        (
            "too many",
            [&b"D0755 0 a\n"[..], &b"C0644 0 f\n\0".repeat(200), b"E\n"].concat(),
        ),
        (
            "too much",
            [&b"C0644 2000000 a\n"[..], &[0; 2_000_001]].concat(),
        ),
    ];
    for (what, bytes) in cases {
        let (copied, names) = from_fake(&bytes, 0).await;
        let error = copied.expect_err(what);
        assert!(!error.source.to_string().contains('\x1b'), "{what}");
        let escaped = names.iter().filter(|name| !name.starts_with("in"));
        assert_eq!(escaped.count(), 0, "{what}: {names:?}");
        assert!(
            !names.iter().any(|n| n.contains("part")),
            "{what}: {names:?}"
        );
    }
    // All was there, and yet it says that it failed.
    let (copied, _) = from_fake(b"C0644 0 a\n\0", 1).await;
    let error = copied.unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Lost { .. }),
        "{error:?}"
    );
}
