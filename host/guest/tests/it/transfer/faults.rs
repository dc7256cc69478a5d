//! Limits, progress, and what stops a copy.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vthost_guest::transfer::{Carrier, Limits, TransferError, TransferFault, TransferOptions};
use vthost_guest::{FileTransfer, SshConnection, SshOptions};

use super::{Scene, names, options};
use crate::server::{Sshd, listen};

#[tokio::test(flavor = "multi_thread")]
async fn limits_progress_and_rate() {
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        let scene = Scene::new(carrier).await;
        let transfer = &scene.transfer;
        fs::write(scene.guest("big"), vec![1; 400 * 1024]).unwrap();
        let limited = |limits: Limits| TransferOptions {
            limits,
            ..options()
        };
        let bytes = limited(Limits {
            bytes: 100 * 1024,
            ..Limits::default()
        });
        let error = transfer
            .copy_files_from(scene.remote("big"), scene.host("big"), &bytes)
            .await
            .unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Limit { .. }),
            "{error:?}"
        );
        assert_eq!(names(&scene.host("")), Vec::<String>::new());
        fs::create_dir(scene.guest("many")).unwrap();
        for i in 0..30 {
            fs::write(scene.guest(&format!("many/{i}")), "").unwrap();
        }
        let entries = limited(Limits {
            entries: 20,
            ..Limits::default()
        });
        let error = transfer
            .copy_files_from(scene.remote("many"), scene.host("many"), &entries)
            .await
            .unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Limit { .. }),
            "{error:?}"
        );

        let seen = Arc::new(Mutex::new(Vec::new()));
        let slow = TransferOptions {
            limit: Some(200),
            progress: Some({
                let seen = Arc::clone(&seen);
                Arc::new(move |progress| seen.lock().unwrap().push(progress.clone()))
            }),
            ..options()
        };
        let report = transfer
            .copy_files_from(scene.remote("big"), scene.host("big"), &slow)
            .await
            .unwrap();
        assert!(report.elapsed >= Duration::from_secs(2), "{report:?}");
        let report = transfer
            .copy_files_to(scene.host("big"), scene.remote("big2"), &slow)
            .await
            .unwrap();
        assert!(report.elapsed >= Duration::from_secs(2), "{report:?}");
        let seen = seen.lock().unwrap();
        assert!(seen.is_sorted_by_key(|p| (p.total, p.bytes)), "{seen:?}");
        let last = seen.last().unwrap();
        assert_eq!(
            (last.files, last.bytes, last.total),
            (1, 409_600, Some(409_600))
        );
        assert!(seen[0].current.as_ref().unwrap().ends_with("big"));
    }
}

/// Copies over a cable that is cut when so many bytes have moved.
async fn cut(carrier: Carrier, to_guest: bool) -> (Scene, TransferError) {
    let sshd = match carrier {
        Carrier::Sftp => Sshd::with_sftp(),
        _ => Sshd::new(),
    };
    let (listener, address) = listen().await;
    let target = sshd.target(address);
    let accept = async {
        let (guest_side, _) = listener.accept().await.unwrap();
        let (inner, inner_address) = listen().await;
        let cable = tokio::net::TcpStream::connect(inner_address).await.unwrap();
        let child = sshd.serve(inner.accept().await.unwrap().0);
        let cable = tokio::spawn(async move {
            let (mut a, mut b) = (guest_side, cable);
            tokio::io::copy_bidirectional(&mut a, &mut b).await.ok();
        });
        (child, cable)
    };
    let ssh = SshOptions::default();
    let connect = SshConnection::connect(&target, &ssh);
    let (connection, (_child, cable)) = tokio::join!(connect, accept);
    let connection = connection.unwrap();
    let dir = tempfile::tempdir().unwrap();
    for side in ["host", "guest"] {
        fs::create_dir(dir.path().join(side)).unwrap();
    }
    let transfer = FileTransfer::ssh(connection.clone());
    let scene = Scene {
        dir,
        transfer,
        connection,
    };
    let options = TransferOptions {
        // Slow enough that the cut comes in the middle.
        limit: Some(2048),
        progress: Some(Arc::new(move |progress| {
            if progress.bytes > 1024 * 1024 {
                cable.abort();
            }
        })),
        ..options()
    };
    let content = vec![3; 8 * 1024 * 1024];
    let error = if to_guest {
        fs::write(scene.host("big"), &content).unwrap();
        let copy = scene
            .transfer
            .copy_files_to(scene.host("big"), scene.remote("big"), &options);
        copy.await.unwrap_err()
    } else {
        fs::write(scene.guest("big"), &content).unwrap();
        let copy = scene
            .transfer
            .copy_files_from(scene.remote("big"), scene.host("big"), &options);
        copy.await.unwrap_err()
    };
    (scene, error)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network() {
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        for to_guest in [true, false] {
            let (scene, error) = cut(carrier, to_guest).await;
            assert!(
                matches!(
                    error.source,
                    TransferFault::Lost { .. } | TransferFault::Session(_)
                ),
                "{error:?}"
            );
            assert_eq!(error.carrier, carrier);
            assert!(error.progress.bytes > 1024 * 1024, "{error}");
            assert!(error.to_string().contains("at byte"), "{error}");
            let target = if to_guest {
                scene.guest("big")
            } else {
                scene.host("big")
            };
            assert!(!target.exists());
            if !to_guest {
                assert_eq!(names(&scene.host("")), Vec::<String>::new());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines() {
    let scene = Scene::new(Carrier::Sftp).await;
    fs::write(scene.guest("big"), vec![1; 4 * 1024 * 1024]).unwrap();
    let slow = TransferOptions {
        limit: Some(1024),
        timeout: Duration::from_millis(500),
        ..options()
    };
    let error = scene
        .transfer
        .copy_files_from(scene.remote("big"), scene.host("big"), &slow)
        .await
        .unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Deadline { .. }),
        "{error:?}"
    );
    assert_eq!(names(&scene.host("")), Vec::<String>::new());
    // The connection lives on.
    scene
        .transfer
        .copy_files_from(scene.remote("big"), scene.host("big"), &options())
        .await
        .unwrap();
}
