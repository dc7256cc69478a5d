//! The transport against a monitor played by the test.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::*;
use crate::qmp::Qmp;

const GREETING: &str = r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob", "future"]}}"#;
const SOON: Duration = Duration::from_secs(10);

struct Peer {
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Peer {
    async fn hear(&mut self) -> Value {
        let line = self
            .lines
            .next_line()
            .await
            .expect("readable")
            .expect("not closed");
        serde_json::from_str(&line).expect("JSON")
    }

    async fn say(&mut self, text: &str) {
        self.write
            .write_all(text.as_bytes())
            .await
            .expect("writable");
    }
}

/// A monitor that has negotiated, with its log.
async fn connected() -> (Qmp, Peer, tempfile::NamedTempFile) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let (read, write) = theirs.into_split();
    let mut peer = Peer {
        lines: BufReader::new(read).lines(),
        write,
    };
    let log = tempfile::NamedTempFile::new().expect("a log");
    let recorder = Recorder::new(log.reopen().expect("a log"));
    let opening = tokio::spawn(Connection::open(ours, recorder));
    peer.say(&format!("{GREETING}\r\n")).await;
    let hello = peer.hear().await;
    assert_eq!(hello, json!({ "execute": "qmp_capabilities", "id": 0 }));
    peer.say("{\"return\": {}, \"id\": 0}\r\n").await;
    let connection = opening.await.expect("no panic").expect("negotiated");
    (Qmp::new(connection), peer, log)
}

#[tokio::test]
async fn answers_reach_their_callers_in_any_order_and_everything_is_recorded() {
    let (qmp, mut peer, log) = connected().await;
    assert_eq!(qmp.version().to_string(), "10.0.2");
    let first = {
        let qmp = qmp.clone();
        tokio::spawn(async move { qmp.execute("one", json!({ "a": 1 })).await })
    };
    assert_eq!(
        peer.hear().await,
        json!({ "execute": "one", "id": 1, "arguments": { "a": 1 } })
    );
    let second = {
        let qmp = qmp.clone();
        tokio::spawn(async move { qmp.execute("two", Value::Null).await })
    };
    assert_eq!(peer.hear().await, json!({ "execute": "two", "id": 2 }));
    peer.say(r#"{"id": 2, "error": {"class": "CommandNotFound", "desc": "no two"}}"#)
        .await;
    peer.say("\r\n{\"return\": [1], \"id\"").await;
    peer.say(": 1}\r\n").await;
    let error = second.await.expect("no panic").expect_err("refused");
    assert_eq!(error.to_string(), "two: no two (CommandNotFound)");
    assert_eq!(error.class(), Some("CommandNotFound"));
    assert_eq!(
        first.await.expect("no panic").expect("answered"),
        json!([1])
    );

    let recorded = std::fs::read_to_string(log.path()).expect("a log");
    let lines: Vec<Value> = recorded
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON lines"))
        .collect();
    let directions: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["direction"].as_str())
        .collect();
    assert_eq!(
        directions,
        [
            "receive", "send", "receive", "send", "send", "receive", "receive"
        ]
    );
    assert!(lines.iter().all(|line| line["time"].is_number()));
    assert_eq!(lines[3]["message"]["execute"], "one");
}

#[tokio::test]
async fn events_are_kept_in_order_and_found_from_a_cursor() {
    let (qmp, mut peer, _log) = connected().await;
    let event = |name: &str, n: u32| {
        let stamp = json!({ "seconds": 3, "microseconds": 14 });
        format!(
            "{}\r\n",
            json!({ "event": name, "data": { "n": n }, "timestamp": stamp })
        )
    };
    peer.say(&event("A_NAME_OF_THE_FUTURE", 1)).await;
    peer.say(&event("STOP", 2)).await;
    let first = qmp.wait_event("STOP", 0, SOON).await.expect("came");
    assert_eq!(
        (first.seq, first.at_micros, &first.data),
        (1, 3_000_014, &json!({ "n": 2 }))
    );
    let cursor = qmp.cursor();
    assert_eq!(cursor, 2);
    let waiting = {
        let qmp = qmp.clone();
        tokio::spawn(async move {
            qmp.wait_event_where("STOP", cursor, SOON, |event| event.data["n"] == 4)
                .await
        })
    };
    peer.say(&(event("STOP", 3) + &event("STOP", 4))).await;
    assert_eq!(waiting.await.expect("no panic").expect("came").seq, 3);
    let names: Vec<String> = qmp
        .events_since(0)
        .into_iter()
        .map(|event| event.name)
        .collect();
    assert_eq!(names, ["A_NAME_OF_THE_FUTURE", "STOP", "STOP", "STOP"]);
    let error = qmp
        .wait_event("RESUME", 0, Duration::from_millis(10))
        .await
        .expect_err("never came");
    assert_eq!(error.to_string(), "no event RESUME within 0.01 s");
}

#[tokio::test]
async fn the_end_of_qemu_ends_all_waiting() {
    let (qmp, mut peer, _log) = connected().await;
    let call = {
        let qmp = qmp.clone();
        tokio::spawn(async move { qmp.execute("query-status", Value::Null).await })
    };
    let event = {
        let qmp = qmp.clone();
        tokio::spawn(async move { qmp.wait_event("STOP", 0, SOON).await })
    };
    peer.hear().await;
    // In the middle of a message.
    peer.say("{\"return\": {}").await;
    drop(peer);
    assert!(matches!(
        call.await.expect("no panic"),
        Err(QmpError::Closed)
    ));
    assert!(matches!(
        event.await.expect("no panic"),
        Err(QmpError::Closed)
    ));
    assert!(matches!(
        qmp.execute("late", Value::Null).await,
        Err(QmpError::Closed)
    ));
    assert!(qmp.is_closed());
}

#[tokio::test]
async fn nonsense_is_survived_and_a_silent_monitor_is_a_timeout() {
    let (qmp, mut peer, _log) = connected().await;
    peer.say("hello\r\n{\"return\": {}, \"id\": 99}\r\n{\"id\": \"x\"}\r\n[]\r\n")
        .await;
    let error = qmp
        .execute_within("slow", Value::Null, Duration::from_millis(20))
        .await
        .expect_err("silent");
    assert_eq!(error.to_string(), "no answer to slow within 0.02 s");
    let call = {
        let qmp = qmp.clone();
        tokio::spawn(async move { qmp.human("info status").await })
    };
    let late = peer.hear().await;
    assert_eq!(late["execute"], "slow");
    let asked = peer.hear().await;
    assert_eq!(asked["arguments"], json!({ "command-line": "info status" }));
    peer.say("{\"return\": {}, \"id\": 1}\r\n{\"return\": \"VM status: running\", \"id\": 2}\r\n")
        .await;
    assert_eq!(
        call.await.expect("no panic").expect("answered"),
        "VM status: running"
    );
}

#[tokio::test]
async fn a_stream_that_is_no_monitor_is_refused() {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    theirs
        .write_all(b"SSH-2.0-OpenSSH\r\n")
        .await
        .expect("writable");
    let log = tempfile::tempfile().expect("a log");
    let error = Connection::open(ours, Recorder::new(log))
        .await
        .expect_err("not QMP");
    assert!(error.to_string().contains("no QMP greeting"), "{error}");
}
