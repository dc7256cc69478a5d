//! Copies from a server that lies. The real one is in `tests/it/transfer/`.

use std::path::Path;
use std::time::Duration;

use super::fake::{DIR, FILE, LINK, Lies};
use super::{Sftp, download};
use crate::transfer::error::TransferFault;
use crate::transfer::meter::Meter;
use crate::transfer::options::{Limits, Symlinks, TransferOptions};
use crate::transfer::sink::Sink;

/// Copies `/top` from such a server and returns what came of it, and all names that are there afterwards.
async fn copy(lies: Lies) -> (Result<Meter, TransferFault>, Vec<String>) {
    let (near, far) = tokio::io::duplex(1 << 20);
    tokio::spawn(lies.serve(far));
    let outer = tempfile::tempdir().unwrap();
    let target = outer.path().join("in");
    std::fs::create_dir(&target).unwrap();
    let mut meter = Meter::new(&TransferOptions {
        operation_timeout: Duration::from_secs(5),
        symlinks: Symlinks::Keep,
        limits: Limits {
            entries: 1000,
            bytes: 1 << 20,
            depth: 8,
        },
        ..TransferOptions::default()
    });
    let copied = async {
        let sftp = Sftp::start(near, Duration::from_secs(5)).await?;
        let found = sftp.find(b"/top", &mut meter).await?;
        let mut sink = Sink::open(&target, found.many)?;
        download(&sftp, found, &mut sink, &mut meter).await
    };
    let copied = copied.await;
    let mut names = Vec::new();
    list(outer.path(), outer.path(), &mut names);
    names.sort();
    (copied.map(|()| meter), names)
}

fn list(top: &Path, dir: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.strip_prefix(top).unwrap().display().to_string());
        if path.symlink_metadata().unwrap().is_dir() {
            list(top, &path, names);
        }
    }
}

#[tokio::test]
async fn names_that_lead_elsewhere() {
    for name in [
        &b"../x"[..],
        b"/etc/x",
        b"a/b",
        b"",
        b"a\0b",
        &[b'x'; 300],
        b"\xff",
    ] {
        for mode in [FILE, DIR, LINK] {
            let entries = vec![(name.to_vec(), mode)];
            let (copied, names) = copy(Lies {
                entries,
                ..Lies::default()
            })
            .await;
            assert!(
                matches!(
                    copied.as_ref().err(),
                    Some(TransferFault::Name { .. } | TransferFault::Unnameable { .. })
                ),
                "{name:?}: {:?}",
                copied.err()
            );
            assert_eq!(names, ["in", "in/top"], "{name:?}");
        }
    }
}

#[tokio::test]
async fn an_honest_tree_and_links_that_lead_out() {
    let entries = vec![
        (b"empty".to_vec(), DIR),
        (b"file".to_vec(), FILE),
        (b"link".to_vec(), LINK),
        (b"fifo".to_vec(), 0o010_644),
    ];
    let lies = |link: &[u8]| Lies {
        entries: entries.clone(),
        link: link.to_vec(),
        ..Lies::default()
    };
    let (copied, names) = copy(lies(b"file")).await;
    let meter = copied.unwrap();
    assert_eq!((meter.progress.files, meter.progress.bytes), (1, 7));
    let all = ["in", "in/top", "in/top/empty", "in/top/file"];
    assert_eq!(names[..4], all);
    assert_eq!(names[4..], ["in/top/link"]);
    for link in [&b"/etc/passwd"[..], b"../x", b"file/../../x", b""] {
        let (copied, names) = copy(lies(link)).await;
        copied.unwrap();
        assert_eq!(names, all, "{link:?}");
    }
}

#[tokio::test]
async fn what_never_ends_is_bounded() {
    let file = vec![(b"file".to_vec(), FILE)];
    let endless = [
        Lies {
            entries: file.clone(),
            endless_listing: true,
            ..Lies::default()
        },
        Lies {
            entries: vec![(b"deeper".to_vec(), DIR)],
            ..Lies::default()
        },
        Lies {
            entries: file,
            content: None,
            ..Lies::default()
        },
    ];
    for (number, lies) in endless.into_iter().enumerate() {
        let (copied, names) = copy(lies).await;
        let fault = copied.err().unwrap();
        assert!(
            matches!(fault, TransferFault::Limit { .. }),
            "{number}: {fault}"
        );
        assert!(!names.iter().any(|name| name.contains("part")), "{names:?}");
    }
    // A listing of nothing that goes on for ever costs time only, so it ends at once.
    let (copied, _) = copy(Lies {
        endless_listing: true,
        ..Lies::default()
    })
    .await;
    let fault = copied.err().unwrap();
    assert!(matches!(fault, TransferFault::Protocol { .. }), "{fault}");
}

#[tokio::test]
async fn answers_that_are_none() {
    let long = u32::MAX.to_be_bytes();
    for raw in [
        // A packet of 4 GiB, one of an unknown kind, one that is cut short, data longer than its packet.
        long.to_vec(),
        vec![0, 0, 0, 5, 250, 0, 0, 0, 1],
        vec![0, 0, 0, 0],
        [&[0, 0, 0, 9, 103, 0, 0, 0, 5][..], &long].concat(),
    ] {
        let (copied, names) = copy(Lies {
            entries: vec![(b"file".to_vec(), FILE)],
            raw: Some(raw.clone()),
            ..Lies::default()
        })
        .await;
        let fault = copied.err().unwrap();
        assert!(
            matches!(
                fault,
                TransferFault::Lost { .. } | TransferFault::Protocol { .. }
            ),
            "{raw:?}: {fault}"
        );
        assert_eq!(names, ["in", "in/top"], "{raw:?}");
    }
    // More than was asked for.
    let (copied, _) = copy(Lies {
        entries: vec![(b"file".to_vec(), FILE)],
        content: Some(vec![0; 100_000]),
        ..Lies::default()
    })
    .await;
    let fault = copied.err().unwrap();
    assert!(matches!(fault, TransferFault::Protocol { .. }), "{fault}");
}
