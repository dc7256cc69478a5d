//! Much output: kept in bounds, or passed on byte for byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;
use vthost_guest::{Error, Expect, Session, Shell, ShellOptions, SshOptions};

use crate::pty;
use crate::server::{SOON, Sshd};

/// Under load a debug build takes a while to decrypt it all.
const LONG: Duration = Duration::from_secs(180);
const HUNDRED_MB: u64 = 100_000_000;

/// Takes the digest of what is written, fails after `limit` bytes, and writes slowly if told so.
struct Sink {
    digest: Sha256,
    bytes: u64,
    limit: u64,
    yields: bool,
}

impl Sink {
    fn new(limit: u64) -> Self {
        Self {
            digest: Sha256::new(),
            bytes: 0,
            limit,
            yields: false,
        }
    }

    fn hex(self) -> String {
        let digest = self.digest.finalize();
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.bytes >= self.limit {
            return Poll::Ready(Err(io::ErrorKind::StorageFull.into()));
        }
        self.yields = !self.yields;
        if self.yields {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let bytes = &bytes[..bytes.len().min(4096)];
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The most memory that this process has ever used, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Makes a file of every byte value in no order.
fn noise(path: &std::path::Path, bytes: usize) -> String {
    let mut state = 1_u64;
    let data: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    })
    .take(bytes)
    .collect();
    std::fs::write(path, &data).unwrap();
    Sha256::digest(&data)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The command prints one and the same megabyte a hundred times.
fn hundred(path: &std::path::Path) -> String {
    format!(
        "i=0; while [ $i -lt 100 ]; do cat {}; i=$((i+1)); done; (exit 5)",
        path.display()
    )
}

fn digest_of_hundred(path: &std::path::Path) -> String {
    let data = std::fs::read(path).unwrap();
    let mut digest = Sha256::new();
    (0..100).for_each(|_| digest.update(&data));
    digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[tokio::test]
async fn a_hundred_megabytes_pass_byte_for_byte() {
    let sshd = Arc::new(Sshd::new());
    let file = sshd.home().join("noise");
    noise(&file, 1_000_000);
    let mut session = Session::ssh(
        &sshd.listen().await,
        &SshOptions::default(),
        ShellOptions::default(),
        None,
    )
    .await
    .unwrap();
    let before = peak_memory();
    let mut sink = Sink::new(u64::MAX);
    let done = session
        .cmd_to(&hundred(&file), &mut sink, LONG)
        .await
        .unwrap();
    assert_eq!(
        (done.status, done.bytes, sink.bytes),
        (5, HUNDRED_MB, HUNDRED_MB)
    );
    assert_eq!(sink.hex(), digest_of_hundred(&file));
    let grown = peak_memory() - before;
    assert!(grown < 48 << 20, "{grown} bytes of memory");
    assert_eq!(session.cmd("echo after", SOON).await.unwrap(), "after\n");
}

#[tokio::test]
async fn a_hundred_megabytes_nobody_takes_are_bounded() {
    let sshd = Arc::new(Sshd::new());
    let mut session = Session::ssh(
        &sshd.listen().await,
        &SshOptions::default(),
        ShellOptions::default(),
        None,
    )
    .await
    .unwrap();
    let before = peak_memory();
    let command = "head -c 100000000 /dev/zero | tr '\\0' x; echo end; (exit 6)";
    let got = session.cmd_status_output(command, LONG).await.unwrap();
    assert_eq!(got.status, 6);
    assert!(got.output.ends_with("xend\n"));
    assert_eq!(got.output.len() as u64 + got.dropped, HUNDRED_MB + 4);
    let job = session.start(command).await.unwrap();
    let got = job.wait(LONG).await.unwrap().unwrap();
    assert_eq!(got.output.len() as u64 + got.dropped, HUNDRED_MB + 4);
    let (output, missing) = session.output();
    assert!(output.len() as u64 + missing >= HUNDRED_MB && output.len() < 2 << 20);
    let grown = peak_memory() - before;
    assert!(grown < 96 << 20, "{grown} bytes of memory");
}

#[tokio::test]
async fn every_byte_passes_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("noise");
    let digest = noise(&file, 3_000_000);
    for argv in [
        &["bash", "--norc", "-i"][..],
        &["dash", "-i"],
        &["busybox", "ash", "-i"],
    ] {
        let (transport, _child) = pty::spawn(argv);
        // A buffer smaller than what comes: nothing may be dropped all the same.
        let expect = Expect::with_capacity(transport, None, 16 * 1024);
        let mut shell = Shell::take_over(expect, ShellOptions::default(), SOON)
            .await
            .unwrap();
        // Whoever changes the terminal gets what it then prints; the next command has it set again.
        shell.cmd("stty sane", SOON).await.unwrap();
        let mut sink = Sink::new(u64::MAX);
        let command = format!("cat {}", file.display());
        let done = shell.cmd_to(&command, &mut sink, SOON).await.unwrap();
        assert_eq!((done.status, done.bytes), (0, 3_000_000), "{argv:?}");
        assert_eq!(sink.hex(), digest, "{argv:?}");
        for (command, output) in [
            ("true", ""),
            ("printf 'a\\n'", "a\n"),
            ("printf '\\r'", "\r"),
        ] {
            let mut sink = Vec::new();
            shell.cmd_to(command, &mut sink, SOON).await.unwrap();
            assert_eq!(String::from_utf8(sink).unwrap(), output, "{argv:?}");
        }
        assert_eq!(shell.cmd("echo after", SOON).await.unwrap(), "after\n");
    }
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_command() {
    let (transport, _child) = pty::spawn(&["bash", "--norc", "-i"]);
    let expect = Expect::new(transport, None);
    let mut shell = Shell::take_over(expect, ShellOptions::default(), SOON)
        .await
        .unwrap();
    let mut sink = Sink::new(100_000);
    let error = shell.cmd_to("yes", &mut sink, SOON).await.unwrap_err();
    assert!(matches!(error, Error::Sink { .. }), "{error}");
    assert_eq!(shell.cmd("echo after", SOON).await.unwrap(), "after\n");
    let mut sink = Vec::new();
    let error = shell
        .cmd_to("echo begun; cat", &mut sink, Duration::from_secs(2))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::CommandTimeout { usable: true, .. }),
        "{error}"
    );
    let error = shell.cmd_to("exit 4", &mut sink, SOON).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Gone {
                status: Some(4),
                ..
            }
        ),
        "{error}"
    );
}
