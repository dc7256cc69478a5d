//! Symbolic links, both ways.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use vthost_guest::transfer::{Carrier, Limits, Symlinks, TransferFault, TransferOptions};

use super::{Scene, names, options};

fn make_links(top: &Path) {
    fs::create_dir_all(top.join("sub")).unwrap();
    fs::write(top.join("file"), "content").unwrap();
    symlink("../file", top.join("sub/inside")).unwrap();
    symlink("..", top.join("sub/up")).unwrap();
    symlink("nowhere", top.join("dangling")).unwrap();
    symlink("/etc/hostname", top.join("absolute")).unwrap();
    symlink("../../outside", top.join("sub/outside")).unwrap();
    fs::write(top.join("../outside"), "secret").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        top.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn links() {
    let keep = TransferOptions {
        symlinks: Symlinks::Keep,
        ..options()
    };
    for carrier in [Carrier::Sftp, Carrier::Scp] {
        let scene = Scene::new(carrier).await;
        make_links(&scene.host("tree"));
        let transfer = &scene.transfer;
        // To the guest, followed: only what is inside.
        let report = transfer
            .copy_files_to(scene.host("tree"), scene.remote("followed"), &options())
            .await
            .unwrap();
        assert_eq!(
            names(&scene.guest("followed")),
            ["file", "sub", "sub/inside"]
        );
        let skipped: Vec<_> = report.skipped.iter().map(|s| s.reason).collect();
        assert_eq!(report.skipped_count, 5, "{skipped:?}");
        // To the guest, kept: as they are.
        let report = transfer
            .copy_files_to(scene.host("tree"), scene.remote("kept"), &keep)
            .await
            .unwrap();
        assert_eq!((report.links, report.skipped_count), (5, 1));
        // Twice: a link that is there is replaced.
        transfer
            .copy_files_to(scene.host("tree/sub"), scene.remote("kept"), &keep)
            .await
            .unwrap();
        assert_eq!(
            names(&scene.guest("kept")),
            [
                "absolute@",
                "dangling@",
                "file",
                "sub",
                "sub/inside@",
                "sub/outside@",
                "sub/up@"
            ]
        );
    }
    let scene = Scene::new(Carrier::Sftp).await;
    make_links(&scene.guest("tree"));
    let transfer = &scene.transfer;
    // From the guest, kept: none that leads out is made.
    let report = transfer
        .copy_files_from(scene.remote("tree"), scene.host("kept"), &keep)
        .await
        .unwrap();
    assert_eq!((report.links, report.skipped_count), (3, 3));
    assert_eq!(
        names(&scene.host("kept")),
        ["dangling@", "file", "sub", "sub/inside@", "sub/up@"]
    );
    // From the guest, followed there: a circle ends at the limit.
    let limits = Limits {
        depth: 10,
        ..Limits::default()
    };
    let error = transfer
        .copy_files_from(
            scene.remote("tree"),
            scene.host("circle"),
            &TransferOptions {
                limits,
                ..options()
            },
        )
        .await
        .unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Limit { .. }),
        "{error:?}"
    );
    // What is already on the host is not followed either: neither directory nor file.
    fs::create_dir(scene.host("elsewhere")).unwrap();
    fs::create_dir(scene.host("trap")).unwrap();
    symlink("../elsewhere", scene.host("trap/sub")).unwrap();
    fs::remove_file(scene.guest("tree/sub/up")).unwrap();
    fs::rename(scene.guest("tree"), scene.guest("trap")).unwrap();
    let error = transfer
        .copy_files_from(scene.remote("trap"), scene.host(""), &options())
        .await
        .unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Local { .. }),
        "{error:?}"
    );
    assert_eq!(names(&scene.host("elsewhere")), Vec::<String>::new());
}
