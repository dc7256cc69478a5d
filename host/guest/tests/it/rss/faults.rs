//! What breaks the protocol, from both sides.

use std::fs;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vthost_guest::FileTransfer;
use vthost_guest::transfer::{Limits, TransferError, TransferFault, TransferOptions};

use super::{rust_server, script, target};
use crate::server::{SOON, listen};
use crate::transfer::{names, options};

/// Sends clients that break the protocol to a server, which must tell them so or leave, and live on.
async fn abuse(port: u16, dir: &str) {
    let long = u32::MAX.to_le_bytes();
    let number = |n: u32| n.to_le_bytes().to_vec();
    let named = |message: u32, name: &[u8]| {
        let length = u32::try_from(name.len()).unwrap();
        [&number(message)[..], &number(length), name].concat()
    };
    let upload = [number(1024), number(3), named(5, dir.as_bytes())].concat();
    let cases: Vec<Vec<u8>> = vec![
        number(1),
        number(u32::MAX),
        [number(1024), number(99)].concat(),
        [number(1024), number(3), number(9)].concat(),
        [number(1024), number(3), number(5), long.to_vec()].concat(),
        [&upload[..], &number(8)].concat(),
        [&upload[..], &named(6, b"../up")].concat(),
        [&upload[..], &named(7, b"..")].concat(),
        [&upload[..], &named(6, b"/etc/x")].concat(),
        [&upload[..], &named(6, b"a"), &long].concat(),
    ];
    for case in cases {
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert_eq!(client.read_u32_le().await.unwrap(), 0x0052_5353);
        client.write_all(&case).await.unwrap();
        let mut answer = Vec::new();
        let read = client.read_to_end(&mut answer);
        tokio::time::timeout(SOON, read).await.unwrap().unwrap();
        assert_eq!(answer.first(), Some(&2), "{case:?}: {answer:?}");
    }
    // One that says nothing more does not hold up the next one.
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut next = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert_eq!(next.read_u32_le().await.unwrap(), 0x0052_5353);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_break_the_protocol() {
    let dir = tempfile::tempdir().unwrap();
    abuse(rust_server(dir.path()).await.port, "/").await;
    let (_child, _, files) = script().await;
    abuse(files, dir.path().to_str().unwrap()).await;
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

/// Downloads `/x/a*` from a server that says these bytes after its greeting and then leaves.
async fn from_fake(bytes: Vec<u8>, remote: &str) -> (Result<(), TransferError>, Vec<String>) {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&bytes).await.ok();
        let mut rest = Vec::new();
        let (mut reader, mut writer) = stream.split();
        writer.shutdown().await.ok();
        reader.read_to_end(&mut rest).await.ok();
    });
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        bytes: 1 << 20,
        entries: 100,
        depth: 8,
    };
    let options = TransferOptions {
        limits,
        operation_timeout: Duration::from_secs(5),
        ..options()
    };
    fs::create_dir(dir.path().join("in")).unwrap();
    let transfer = FileTransfer::rss(target(address.port()));
    let got = transfer
        .copy_files_from(remote, dir.path().join("in"), &options)
        .await;
    (got.map(drop), names(dir.path()))
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_break_the_protocol() {
    let number = |n: u32| n.to_le_bytes().to_vec();
    let packet = |bytes: &[u8]| [&number(u32::try_from(bytes.len()).unwrap())[..], bytes].concat();
    let file = |name: &[u8]| [number(6), packet(name)].concat();
    let dir = |name: &[u8]| [number(7), packet(name)].concat();
    let magic = number(0x0052_5353);
    let long = number(u32::MAX);
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("no greeting", vec![]),
        ("another greeting", vec![b"SSH-2.0-".to_vec()]),
        ("an unknown message", vec![magic.clone(), number(77)]),
        (
            "4 GiB of name",
            vec![magic.clone(), number(6), long.clone()],
        ),
        (
            "4 GiB of chunk",
            vec![magic.clone(), file(b"a"), long.clone()],
        ),
        ("4 GiB of error", vec![magic.clone(), number(2), long]),
        (
            "a path up",
            vec![magic.clone(), file(b"../a"), packet(b""), number(9)],
        ),
        (
            "a path up, backwards",
            vec![magic.clone(), file(b"a\\..\\..\\b"), packet(b""), number(9)],
        ),
        ("up", vec![magic.clone(), dir(b"..")]),
        ("an absolute path", vec![magic.clone(), file(b"/etc/a")]),
        ("a NUL", vec![magic.clone(), file(b"a\0")]),
        ("an empty name", vec![magic.clone(), file(b"")]),
        (
            "what was not asked for",
            vec![magic.clone(), file(b"b"), packet(b""), number(9)],
        ),
        ("leaving too much", vec![magic.clone(), number(8)]),
        ("an end inside", vec![magic.clone(), dir(b"a"), number(9)]),
        (
            "too deep",
            [vec![magic.clone()], vec![dir(b"a"); 20]].concat(),
        ),
        (
            "too many",
            [
                vec![magic.clone()],
                vec![[file(b"a"), packet(b"")].concat(); 200],
            ]
            .concat(),
        ),
        (
            "too much",
            [
                vec![magic.clone(), file(b"a")],
                vec![packet(&[0; 65536]); 40],
            ]
            .concat(),
        ),
        (
            "an error",
            vec![magic.clone(), number(2), packet(b"\x1b[2Jno")],
        ),
        (
            "an error inside",
            vec![magic.clone(), dir(b"a"), number(2), packet(b"no")],
        ),
    ];
    for (what, parts) in cases {
        let (got, names) = from_fake(parts.concat(), "/x/a*").await;
        let error = got.expect_err(what);
        assert!(
            !error.source.to_string().contains('\x1b'),
            "{what}: {error:?}"
        );
        let escaped = names.iter().filter(|name| !name.starts_with("in"));
        assert_eq!(escaped.count(), 0, "{what}: {names:?}");
        assert!(
            !names.iter().any(|n| n.contains("part")),
            "{what}: {names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_after_every_byte() {
    let number = |n: u32| n.to_le_bytes().to_vec();
    let packet = |bytes: &[u8]| [&number(u32::try_from(bytes.len()).unwrap())[..], bytes].concat();
    let talk = [
        number(0x0052_5353),
        number(7),
        packet(b"a"),
        number(6),
        packet(b"f"),
        packet(b"content"),
        number(8),
        number(9),
    ]
    .concat();
    for cut in 0..talk.len() {
        let (got, names) = from_fake(talk[..cut].to_vec(), "/x/a").await;
        let error = got.expect_err("a talk that was cut");
        assert!(
            matches!(error.source, TransferFault::Lost { .. }),
            "{cut}: {error:?}"
        );
        assert!(
            !names.iter().any(|n| n.contains("part")),
            "{cut}: {names:?}"
        );
    }
    let (got, names) = from_fake(talk, "/x/a").await;
    got.unwrap();
    assert_eq!(names, ["in", "in/a", "in/a/f"]);
}
