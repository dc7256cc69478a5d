//! Consoles with the test in QEMU's place.

use std::time::Duration;

use regex::bytes::Regex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn console() -> (SerialHandle, UnixStream, tempfile::NamedTempFile) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let log = tempfile::NamedTempFile::new().expect("a log");
    let handle = SerialHandle::open("serial0".to_owned(), ours, log.reopen().expect("a log"));
    (handle, theirs, log)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

#[tokio::test]
async fn listeners_share_the_output_and_the_log_has_it_all() {
    let (handle, mut guest, log) = console();
    let mut early = handle.subscribe(Replay::None);
    guest
        .write_all(b"booting\r\nlogin: ")
        .await
        .expect("written");
    let seen = early
        .wait_for(&regex(r"log[a-z]+:"), SOON)
        .await
        .expect("printed");
    assert_eq!(seen, b"booting\r\nlogin:");
    assert_eq!(early.next().await.expect("open"), b" ");
    let mut late = handle.subscribe(Replay::Recent);
    assert_eq!(
        late.wait_for_bytes(b"booting", SOON)
            .await
            .expect("replayed"),
        b"booting"
    );
    let mut now = handle.subscribe(Replay::None);
    drop(guest);
    assert_eq!(now.next().await, None);
    assert_eq!(late.next().await.expect("the rest"), b"\r\nlogin: ");
    assert_eq!(late.next().await, None);
    assert!(handle.is_closed());
    assert_eq!(
        std::fs::read(log.path()).expect("a log"),
        b"booting\r\nlogin: "
    );
}

#[tokio::test]
async fn a_listener_can_begin_where_another_step_ended() {
    let (handle, mut guest, _log) = console();
    let mut stream = handle.subscribe(Replay::None);
    guest.write_all(b"one ").await.expect("written");
    stream.wait_for_bytes(b"one ", SOON).await.expect("printed");
    let position = handle.printed();
    guest.write_all(b"two").await.expect("written");
    stream.wait_for_bytes(b"two", SOON).await.expect("printed");
    let mut from = handle.subscribe_from(position);
    assert_eq!(from.next().await.expect("open"), b"two");
    // A position of the future is the present.
    let mut ahead = handle.subscribe_from(1000);
    guest.write_all(b"three").await.expect("written");
    assert_eq!(
        ahead.wait_for_bytes(b"three", SOON).await.expect("printed"),
        b"three"
    );
}

#[tokio::test]
async fn input_reaches_the_guest() {
    let (handle, mut guest, _log) = console();
    handle.write(b"root\n").expect("taken");
    let mut stream = handle.subscribe(Replay::None);
    stream.write_all(b"123456\n").await.expect("taken");
    let mut typed = [0; 12];
    guest.read_exact(&mut typed).await.expect("arrived");
    assert_eq!(&typed, b"root\n123456\n");
}

#[tokio::test]
async fn what_does_not_come_is_an_error_that_quotes_the_output() {
    let (handle, mut guest, _log) = console();
    let mut stream = handle.subscribe(Replay::All);
    guest
        .write_all(b"panic\x1b[2J\r\nhalted\r\n")
        .await
        .expect("written");
    stream.wait_for_bytes(b"pa", SOON).await.expect("printed");
    let error = stream
        .wait_for(&regex("login"), Duration::from_millis(50))
        .await
        .expect_err("never");
    assert_eq!(
        error.to_string(),
        "serial \"serial0\" did not print /login/ within 0.05 s; it printed:\n    nic\\x1b[2J\n    halted"
    );
    // Nothing was consumed.
    stream
        .wait_for_bytes(b"nic", SOON)
        .await
        .expect("still there");
    drop(guest);
    let error = stream
        .wait_for_bytes(b"login", SOON)
        .await
        .expect_err("closed");
    assert!(matches!(error, SerialError::Closed { .. }), "{error}");
    assert!(matches!(
        handle.write(b"x"),
        Err(SerialError::WriteClosed { .. })
    ));
}

#[tokio::test]
async fn a_flood_without_listeners_is_taken_and_a_slow_listener_loses_the_oldest() {
    let (handle, mut guest, log) = console();
    let mut slow = handle.subscribe(Replay::None);
    let line = [b'x'; 1024];
    for _ in 0..3 * 1024 {
        guest
            .write_all(&line)
            .await
            .expect("never blocked for good");
    }
    guest.write_all(b"end").await.expect("written");
    drop(guest);
    let mut output = Vec::new();
    slow.read_to_end(&mut output).await.expect("readable");
    assert!(output.ends_with(b"xend"));
    assert!(output.len() >= BACKLOG, "{}", output.len());
    assert_eq!(slow.lost() + output.len() as u64, handle.printed());
    assert_eq!(
        std::fs::metadata(log.path()).expect("a log").len(),
        3 * 1024 * 1024 + 3
    );
}

#[tokio::test]
async fn a_guest_that_does_not_read_stops_input_but_nobody_else() {
    let (handle, mut guest, _log) = console();
    let megabyte = vec![b'y'; INPUT_LIMIT];
    handle.write(&megabyte).expect("fits");
    // The first megabyte is on its way or waits; a second and a third cannot both fit.
    let refused = (0..3)
        .find_map(|_| handle.write(&megabyte).err())
        .expect("it has to be full");
    assert!(
        matches!(refused, SerialError::WriteFull { .. }),
        "{refused}"
    );
    guest.write_all(b"still alive").await.expect("written");
    let mut stream = handle.subscribe(Replay::All);
    stream
        .wait_for_bytes(b"alive", SOON)
        .await
        .expect("printed");
}

#[test]
fn the_ring_keeps_the_end() {
    let mut ring = Ring::new(4);
    ring.push(b"abc");
    assert_eq!(ring.from(1), (1, &b"bc"[..]));
    ring.push(b"defgh");
    assert_eq!(ring.end(), 8);
    assert_eq!(ring.from(0), (4, &b"efgh"[..]));
    assert_eq!(ring.from(99), (8, &b""[..]));
}

#[test]
fn the_log_has_a_limit() {
    let file = tempfile::NamedTempFile::new().expect("a log");
    let mut log = Log {
        file: file.reopen().expect("a log"),
        left: 4,
        name: String::new(),
    };
    log.write(b"ab");
    log.write(b"cdef");
    log.write(b"ghi");
    let written = std::fs::read_to_string(file.path()).expect("a log");
    assert_eq!(
        written,
        "abcd\n[vthost: log limit reached, the rest is not logged]\n"
    );
}
