//! The rss client against both servers, and both sides against others that break the protocol.

mod faults;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use vthost_guest::FileTransfer;
use vthost_guest::rss::{RssServer, RssTarget};
use vthost_guest::transfer::{Carrier, Limits, TransferFault};

use crate::server::{SOON, listen};
use crate::transfer::{assert_same, names, options};

/// The server in this process. What it calls `/` is `root`.
pub(super) async fn rust_server(root: &Path) -> RssTarget {
    let (listener, address) = listen().await;
    let server = RssServer::new(root, Limits::default(), SOON);
    tokio::spawn(async move { server.serve(&listener).await });
    target(address.port())
}

pub(super) fn target(port: u16) -> RssTarget {
    let host = "127.0.0.1".to_owned();
    RssTarget { host, port }
}

/// The server for guests; the numbers are its ports for shell and files.
pub(super) async fn script() -> (Child, u16, u16) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deps/rss/rss_server.py");
    let mut child = Command::new("python3")
        .args([path, "--address", "127.0.0.1"])
        .args(["--shell-port", "0", "--file-port", "0"])
        .env("SHELL", "/bin/sh")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("these tests need python3");
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut said).await.unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["shell", shell, "files", files] = words[..] else {
        panic!("{said:?}");
    };
    (child, shell.parse().unwrap(), files.parse().unwrap())
}

fn make_tree(top: &Path) {
    fs::create_dir_all(top.join("sub/empty")).unwrap();
    fs::write(top.join("empty"), "").unwrap();
    fs::write(top.join("one chunk"), vec![1; 64 * 1024]).unwrap();
    fs::write(top.join("one more"), vec![2; 64 * 1024 + 1]).unwrap();
    fs::write(top.join("sub/ünï.txt"), "text").unwrap();
    let big: Vec<u8> = (0..1_000_003_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(top.join("sub/big"), big).unwrap();
}

async fn both_ways(transfer: &FileTransfer, host: &Path, guest: &Path, remote: &str) {
    let options = options();
    make_tree(&host.join("tree"));
    let report = transfer
        .copy_files_to(host.join("tree"), remote, &options)
        .await
        .unwrap();
    assert_eq!(report.carrier, Carrier::Rss);
    assert_eq!((report.files, report.directories), (5, 3));
    assert_same(&host.join("tree"), &guest.join("tree"));
    let at = |path: &str| format!("{remote}{path}");
    transfer
        .copy_files_from(at("/tree"), host.join("back"), &options)
        .await
        .unwrap();
    assert_same(&host.join("tree"), &host.join("back"));
    // A new name, a file in its place, a directory that is made, a pattern.
    for name in ["empty", "one more"] {
        let local = host.join("tree").join(name);
        transfer
            .copy_files_to(&local, at("/new"), &options)
            .await
            .unwrap();
        let copy = fs::read(guest.join("new")).unwrap();
        assert_eq!(copy, fs::read(&local).unwrap());
    }
    transfer
        .copy_files_to(host.join("tree/one*"), at("/ones/"), &options)
        .await
        .unwrap();
    assert_eq!(names(&guest.join("ones")), ["one chunk", "one more"]);
    transfer
        .copy_files_from(at("/ones/*more"), host.join("more"), &options)
        .await
        .unwrap();
    assert_eq!(names(&host.join("more")), ["one more"]);
    for missing in ["/missing", "/ones/*.none"] {
        let error = transfer
            .copy_files_from(at(missing), host.join("none"), &options)
            .await
            .unwrap_err();
        assert!(
            matches!(error.source, TransferFault::NothingFound { .. }),
            "{error:?}"
        );
    }
    let error = transfer
        .copy_files_to(host.join("tree/sub/big"), at("/no/such/place"), &options)
        .await
        .unwrap_err();
    assert!(
        matches!(error.source, TransferFault::Refused { .. }),
        "{error:?}"
    );
    assert_eq!(
        names(guest).iter().filter(|n| n.contains("part")).count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_this_crate() {
    let dir = tempfile::tempdir().unwrap();
    let (host, guest) = (dir.path().join("host"), dir.path().join("guest"));
    fs::create_dir(&host).unwrap();
    fs::create_dir(&guest).unwrap();
    let transfer = FileTransfer::rss(rust_server(&guest).await);
    both_ways(&transfer, &host, &guest, "").await;
    // It keeps to its directory.
    fs::write(dir.path().join("secret"), "").unwrap();
    for path in ["../secret", "/../secret", "tree/../../secret"] {
        let error = transfer
            .copy_files_from(path, host.join("got"), &options())
            .await
            .unwrap_err();
        assert!(
            matches!(error.source, TransferFault::Refused { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_for_guests() {
    let dir = tempfile::tempdir().unwrap();
    let (host, guest) = (dir.path().join("host"), dir.path().join("guest"));
    fs::create_dir(&host).unwrap();
    fs::create_dir(&guest).unwrap();
    let (_child, shell, files) = script().await;
    let transfer = FileTransfer::rss(target(files));
    both_ways(&transfer, &host, &guest, guest.to_str().unwrap()).await;

    let mut shell = TcpStream::connect(("127.0.0.1", shell)).await.unwrap();
    shell.write_all(b"echo $((6 * 7)); exit\n").await.unwrap();
    let mut said = String::new();
    let read = shell.read_to_string(&mut said);
    tokio::time::timeout(SOON, read).await.unwrap().unwrap();
    assert!(said.contains("42\r\n"), "{said:?}");
}
