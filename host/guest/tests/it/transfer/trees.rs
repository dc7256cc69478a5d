//! Files, trees and wildcards, both ways.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::Duration;

use vthost_guest::FileTransfer;
use vthost_guest::transfer::{Carrier, TransferFault, TransferOptions};

use super::{Scene, assert_same, listing, make_tree, options};

#[tokio::test(flavor = "multi_thread")]
async fn trees_go_both_ways() {
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        let scene = Scene::new(carrier).await;
        make_tree(&scene.host("tree"), carrier);
        let report = scene
            .transfer
            .copy_files_to(scene.host("tree"), scene.remote(""), &options())
            .await
            .unwrap();
        assert_eq!(report.carrier, carrier);
        assert_eq!((report.files, report.directories), (6, 3));
        assert_same(&scene.host("tree"), &scene.guest("tree"));
        // Under a new name, and then into what is there.
        for _ in 0..2 {
            let report = scene
                .transfer
                .copy_files_from(scene.remote("tree"), scene.host("back"), &options())
                .await
                .unwrap();
            assert_eq!((report.carrier, report.files), (carrier, 6));
            assert_eq!(report.bytes, 12_000_068 + 2 * 31 * 1024 + 4 + 4 + 10);
        }
        assert_same(&scene.host("tree"), &scene.host("back/tree"));
        fs::remove_dir_all(scene.host("back/tree")).unwrap();
        assert_same(&scene.host("tree"), &scene.host("back"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_targets() {
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        let scene = Scene::new(carrier).await;
        let transfer = &scene.transfer;
        let times = &TransferOptions {
            times: true,
            ..options()
        };
        fs::write(scene.host("a"), "one").unwrap();
        let then = fs::File::options()
            .write(true)
            .open(scene.host("a"))
            .unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        then.set_modified(time).unwrap();
        let to = |local: &str, remote: &str| {
            let (local, remote) = (scene.host(local), scene.remote(remote));
            async move { transfer.copy_files_to(local, remote, times).await }
        };
        // A new name, the same again, a directory, a directory that is made.
        to("a", "b").await.unwrap();
        fs::write(scene.host("a"), "two").unwrap();
        to("a", "b").await.unwrap();
        assert_eq!(fs::read(scene.guest("b")).unwrap(), b"two");
        to("a", "").await.unwrap();
        to("a", "made/").await.unwrap();
        assert_eq!(fs::read(scene.guest("made/a")).unwrap(), b"two");
        then.set_modified(time).unwrap();
        to("a", "old").await.unwrap();
        assert_eq!(
            fs::metadata(scene.guest("old")).unwrap().mtime(),
            1_000_000_000
        );
        // A link in the way is followed, a directory is not written over, a device is written to.
        symlink("b", scene.guest("link")).unwrap();
        fs::write(scene.host("a"), "three").unwrap();
        to("a", "link").await.unwrap();
        assert_eq!(fs::read(scene.guest("b")).unwrap(), b"three");
        assert!(
            fs::symlink_metadata(scene.guest("link"))
                .unwrap()
                .is_symlink()
        );
        fs::create_dir_all(scene.guest("dir/a/x")).unwrap();
        let error = to("a", "dir").await.unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Refused { .. }),
            "{error:?}"
        );
        transfer
            .copy_files_to(scene.host("a"), "/dev/null", &options())
            .await
            .unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        // Nothing is left beside what was copied.
        let mut names: Vec<_> = listing(&scene.guest(""))
            .into_iter()
            .map(|(name, ..)| String::from_utf8(name).unwrap())
            .collect();
        names.retain(|name| !name.contains('/'));
        assert_eq!(names, ["a", "b", "dir", "link", "made", "old"]);

        let get = |remote: &str, local: &str| {
            let (remote, local) = (scene.remote(remote), scene.host(local));
            async move { transfer.copy_files_from(remote, local, times).await }
        };
        get("old", "new").await.unwrap();
        assert_eq!(
            fs::metadata(scene.host("new")).unwrap().mtime(),
            1_000_000_000
        );
        fs::create_dir(scene.host("into")).unwrap();
        get("b", "into").await.unwrap();
        assert_eq!(fs::read(scene.host("into/b")).unwrap(), b"three");
        get("b", "into/c").await.unwrap();
        get("link", "followed").await.unwrap();
        assert_eq!(fs::read(scene.host("followed")).unwrap(), b"three");
        let error = get("missing", "x").await.unwrap_err();
        assert!(
            matches!(error.source, TransferFault::NothingFound { .. }),
            "{error:?}"
        );
        let error = get("b", "no/such/place").await.unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Local { .. }),
            "{error:?}"
        );
        let error = to("missing", "x").await.unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Local { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wildcards_go_both_ways() {
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        let scene = Scene::new(carrier).await;
        for name in [
            "a 1.log",
            "a2.log",
            "b.log",
            ".hidden.log",
            "c.txt",
            "x[1].txt",
        ] {
            fs::write(scene.host(name), name).unwrap();
        }
        fs::create_dir(scene.host("d.log")).unwrap();
        fs::write(scene.host("d.log/in"), "in").unwrap();
        let transfer = &scene.transfer;
        let report = transfer
            .copy_files_to(scene.host("*.log"), scene.remote("logs"), &options())
            .await
            .unwrap();
        assert_eq!((report.files, report.directories), (4, 1));
        transfer
            .copy_files_to(scene.host("x[1].txt"), scene.remote("logs"), &options())
            .await
            .unwrap();
        let report = transfer
            .copy_files_from(
                scene.remote("l?gs/[ab]*.log"),
                scene.host("got"),
                &options(),
            )
            .await
            .unwrap();
        assert_eq!(report.files, 3);
        let names: Vec<_> = listing(&scene.host("got"))
            .into_iter()
            .map(|(name, ..)| String::from_utf8(name).unwrap())
            .collect();
        assert_eq!(names, ["a 1.log", "a2.log", "b.log"]);
        transfer
            .copy_files_from(scene.remote("logs/x[1].txt"), scene.host("x"), &options())
            .await
            .unwrap();
        assert_eq!(fs::read(scene.host("x")).unwrap(), b"x[1].txt");
        for pattern in ["logs/*.none", "none/*"] {
            let error = transfer
                .copy_files_from(scene.remote(pattern), scene.host("none"), &options())
                .await
                .unwrap_err();
            assert!(
                matches!(error.source, TransferFault::NothingFound { .. }),
                "{error:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_text_go_by_scp() {
    let scene = Scene::new(Carrier::Sftp).await;
    let odd = OsStr::from_bytes(b"odd \xff\xfe name");
    fs::create_dir(scene.host("tree")).unwrap();
    fs::write(scene.host("tree").join(odd), "odd").unwrap();
    fs::write(scene.host("tree/plain"), "plain").unwrap();
    let transfer = &scene.transfer;
    let report = transfer
        .copy_files_to(scene.host("tree"), scene.remote(""), &options())
        .await
        .unwrap();
    assert_eq!((report.carrier, report.files), (Carrier::Scp, 2));
    assert_same(&scene.host("tree"), &scene.guest("tree"));
    let report = transfer
        .copy_files_from(scene.remote("tree"), scene.host("back"), &options())
        .await
        .unwrap();
    assert_eq!((report.carrier, report.files), (Carrier::Scp, 2));
    assert_same(&scene.host("tree"), &scene.host("back"));
    let sftp = FileTransfer::sftp(scene.connection.clone());
    let error = sftp
        .copy_files_from(scene.remote("tree"), scene.host("again"), &options())
        .await
        .unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Unnameable { .. }),
        "{error:?}"
    );
}
