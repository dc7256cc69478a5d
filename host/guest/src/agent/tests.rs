//! An agent that does what no real one does, at the other end of a pipe. The real one is in `tests/it/agent.rs`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::{Agent, AgentError, AgentOptions, ExecRequest, Shutdown};
use crate::transport::Transport;

/// The agent's end of the stream.
struct Far(BufReader<DuplexStream>);

impl Far {
    async fn request(&mut self) -> Value {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.unwrap();
        let start = usize::from(line.first() == Some(&0xff));
        serde_json::from_slice(&line[start..]).unwrap()
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn answer(&mut self, value: Value) {
        self.say(format!("{value}\n").as_bytes()).await;
    }

    async fn sync(&mut self) {
        let request = self.request().await;
        assert_eq!(request["execute"], "guest-sync-delimited");
        self.say(b"\xff").await;
        self.answer(json!({"return": request["arguments"]["id"]}))
            .await;
    }
}

fn pair(timeout: Duration, answer_limit: usize) -> (Agent, Far) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let options = AgentOptions {
        timeout,
        answer_limit,
    };
    let agent = Agent::new(Transport::from_stream(near), options);
    (agent, Far(BufReader::new(far)))
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_late_answer_is_not_taken_for_another() {
    let (agent, mut far) = pair(LONG, 4096);
    let guest = async {
        // What an agent has left in the port before anybody asked.
        far.say(b"{\"return\": 1}\n{\"ret").await;
        far.sync().await;
        let late = far.request().await;
        assert_eq!(late["execute"], "guest-get-host-name");
        far
    };
    let hurried = agent.with_timeout(SHORT);
    let (error, mut far) = tokio::join!(hurried.host_name(), guest);
    let error = error.unwrap_err();
    assert!(
        matches!(&error, AgentError::NoAnswer { command, .. } if command == "guest-get-host-name"),
        "{error}"
    );
    let guest = async {
        far.answer(json!({"return": {"host-name": "late"}})).await;
        far.say(b"\xff{\"return\": 77}\n").await;
        far.sync().await;
        far.request().await;
        far.answer(json!({"return": {"host-name": "right"}})).await;
        // In step: no second synchronisation.
        assert_eq!(far.request().await["execute"], "guest-ping");
        far.answer(json!({"return": {}})).await;
    };
    let (name, ()) = tokio::join!(
        async {
            let name = agent.host_name().await;
            agent.ping().await.unwrap();
            name
        },
        guest
    );
    assert_eq!(name.unwrap(), "right");
}

#[tokio::test]
async fn refusals() {
    let (agent, mut far) = pair(LONG, 4096);
    let guest = async {
        far.sync().await;
        for (class, desc) in [
            (
                "CommandNotFound",
                "The command guest-ping has not been found",
            ),
            ("CommandNotFound", "Command guest-ping has been disabled"),
            ("GenericError", "it \u{1b}[2Jwill not"),
        ] {
            far.request().await;
            far.answer(json!({"error": {"class": class, "desc": desc}}))
                .await;
        }
    };
    let asked = async {
        let unknown = agent.ping().await.unwrap_err();
        assert!(matches!(unknown, AgentError::Unknown { .. }), "{unknown}");
        let disabled = agent.ping().await.unwrap_err();
        assert!(
            matches!(disabled, AgentError::Disabled { .. }),
            "{disabled}"
        );
        let refused = agent.ping().await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the guest agent refuses guest-ping: it will not (GenericError)"
        );
    };
    tokio::join!(guest, asked);
}

#[tokio::test]
async fn nonsense_is_bounded() {
    for (nonsense, limit) in [
        (&b"no json\n"[..], false),
        (b"{}\n", false),
        (b"{\"return\": 5}\n", false),
        (b"[[[[[[[[\n", false),
        (&[b'x'; 10_000], true),
    ] {
        let (agent, mut far) = pair(LONG, 4096);
        let guest = async {
            far.sync().await;
            far.request().await;
            far.say(nonsense).await;
            // After it the two find each other again.
            far.sync().await;
            far.request().await;
            far.answer(json!({"return": {"host-name": "right"}})).await;
        };
        let asked = async {
            let error = agent.host_name().await.unwrap_err();
            match error {
                AgentError::TooLarge { .. } => assert!(limit),
                AgentError::Malformed { .. } => assert!(!limit),
                other => panic!("{other}"),
            }
            assert_eq!(agent.host_name().await.unwrap(), "right");
        };
        tokio::join!(guest, asked);
    }
}

#[tokio::test]
async fn endless_noise_ends_in_time_and_the_end_at_once() {
    let (agent, far) = pair(SHORT, 4096);
    let noise = tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(far.0.into_inner());
        let drain = async {
            let mut sink = [0; 4096];
            while reader.read(&mut sink).await.is_ok_and(|n| n > 0) {}
        };
        let shout = async { while writer.write_all(b"\xff{\"return\": 1}\n").await.is_ok() {} };
        tokio::join!(drain, shout);
    });
    let error = agent.ping().await.unwrap_err();
    assert!(matches!(error, AgentError::NoAnswer { .. }), "{error}");
    noise.abort();
    let (agent, mut far) = pair(LONG, 4096);
    let (error, ()) = tokio::join!(agent.ping(), async {
        far.sync().await;
        far.request().await;
        drop(far);
    });
    assert!(matches!(error, Err(AgentError::Gone { .. })), "{error:?}");
    assert!(agent.ping().await.is_err());
}

#[tokio::test]
async fn silence_is_a_successful_shutdown() {
    for end in [true, false] {
        let (agent, mut far) = pair(LONG, 4096);
        let guest = async {
            far.sync().await;
            let request = far.request().await;
            assert_eq!(request["arguments"]["mode"], "reboot");
            if !end {
                far.answer(json!({"error": {"class": "GenericError", "desc": "no"}}))
                    .await;
            }
        };
        let (down, ()) = tokio::join!(agent.shutdown(Shutdown::Reboot), guest);
        drop(far);
        assert_eq!(down.is_ok(), end, "{down:?}");
    }
}

#[tokio::test]
async fn what_is_frozen_is_thawed_when_nobody_does_it() {
    let (agent, mut far) = pair(LONG, 4096);
    let guest = async {
        far.sync().await;
        assert_eq!(far.request().await["execute"], "guest-fsfreeze-freeze");
        far.answer(json!({"return": 2})).await;
        assert_eq!(far.request().await["execute"], "guest-fsfreeze-thaw");
    };
    let test = async {
        let frozen = agent.fsfreeze(None).await.unwrap();
        assert_eq!(frozen.count(), 2);
    };
    tokio::join!(guest, test);
}

#[tokio::test]
async fn a_program_that_never_ends() {
    let (agent, mut far) = pair(LONG, 4096);
    let guest = async {
        far.sync().await;
        assert_eq!(far.request().await["arguments"]["path"], "x");
        far.answer(json!({"return": {"pid": 7}})).await;
        loop {
            assert_eq!(far.request().await["arguments"]["pid"], 7);
            far.answer(json!({"return": {"exited": false}})).await;
        }
    };
    let endless = ExecRequest::new("x", &[]);
    tokio::select! {
        () = guest => {}
        ended = agent.exec(&endless, SHORT * 3) => {
            let error = ended.unwrap_err();
            assert!(matches!(error, AgentError::StillRunning { pid: 7, .. }), "{error}");
        }
    }
}
