//! The real guest agent, running on this machine. What would harm it (shutdown, freeze, clock, passwords) is left to tests
//! with a guest.

use std::io::SeekFrom;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use vthost_guest::Transport;
use vthost_guest::agent::{Agent, AgentError, AgentOptions, ExecRequest};

use crate::server::SOON;

/// An agent without the commands that touch the whole machine.
async fn agent() -> (TempDir, Child, Agent) {
    let dir = tempfile::tempdir().unwrap();
    let program = ["/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"];
    let program = program.into_iter().find(|path| Path::new(path).exists());
    let socket = dir.path().join("agent");
    let child = Command::new(program.expect("these tests need the package qemu-guest-agent"))
        .arg("--method=unix-listen")
        .arg("--path")
        .arg(&socket)
        .arg("--statedir")
        .arg(dir.path())
        .arg("--pidfile")
        .arg(dir.path().join("pid"))
        // The long name of this option has changed between releases.
        .args(["-b", "guest-shutdown,guest-suspend-ram,guest-set-time"])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stream = async {
        loop {
            if let Ok(stream) = UnixStream::connect(&socket).await {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let stream = tokio::time::timeout(SOON, stream).await.unwrap();
    let agent = Agent::new(Transport::from_stream(stream), AgentOptions::default());
    (dir, child, agent)
}

#[tokio::test]
async fn facts() {
    let (_dir, _child, agent) = agent().await;
    agent.ping().await.unwrap();
    assert!(!agent.info().await.unwrap().version.is_empty());
    assert!(agent.has("guest-exec").await.unwrap());
    assert!(!agent.has("guest-shutdown").await.unwrap());
    assert!(!agent.has("guest-nonsense").await.unwrap());
    let interfaces = agent.network_interfaces().await.unwrap();
    assert!(interfaces.iter().any(|i| i.name == "lo"), "{interfaces:?}");
    let kernel = agent.os_info().await.unwrap().kernel_release.unwrap();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(kernel, release.trim());
    agent.fs_info().await.unwrap();
    agent.users().await.unwrap();
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(agent.host_name().await.unwrap(), name.trim());
    let time = agent.time().await.unwrap();
    let off = match SystemTime::now().duration_since(time) {
        Ok(behind) => behind,
        Err(ahead) => ahead.duration(),
    };
    assert!(off < SOON, "{off:?}");
    assert!(!agent.is_frozen().await.unwrap());
    let error = agent.shutdown(Default::default()).await.unwrap_err();
    assert!(matches!(error, AgentError::Disabled { .. }), "{error}");
    let error = agent.execute_raw("guest-nonsense", None).await.unwrap_err();
    assert!(matches!(error, AgentError::Unknown { .. }), "{error}");
    let arguments = serde_json::json!({"pid": 4_000_000});
    let error = agent
        .execute_raw("guest-exec-status", Some(arguments))
        .await
        .unwrap_err();
    assert!(matches!(error, AgentError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn programs() {
    let (_dir, _child, agent) = agent().await;
    let script = "cat; echo err >&2; echo \"$X\"; exit 3";
    let mut request = ExecRequest::new("/bin/sh", &["-c", script]);
    request.input = Some(b"in\0put\n".to_vec());
    request.env = Some(vec!["X=y z".to_owned()]);
    let output = agent.exec(&request, SOON).await.unwrap();
    assert_eq!((output.status, output.signal), (Some(3), None));
    assert_eq!(output.stdout, b"in\0put\ny z\n");
    assert_eq!(output.stderr, b"err\n");
    let killed = ExecRequest::new("/bin/sh", &["-c", "kill -TERM $$"]);
    let output = agent.exec(&killed, SOON).await.unwrap();
    assert_eq!((output.status, output.signal), (None, Some(15)));
    let error = agent.exec(&ExecRequest::new("/no/such", &[]), SOON).await;
    assert!(
        matches!(error, Err(AgentError::Refused { .. })),
        "{error:?}"
    );
    let long = ExecRequest::new("/bin/sh", &["-c", "head -c 3000000 /dev/zero"]);
    let output = agent.exec(&long, SOON).await.unwrap();
    assert_eq!((output.stdout.len(), output.truncated), (3_000_000, false));
    let (one, two) = (agent.clone(), agent.clone());
    let echo = |word| ExecRequest::new("/bin/echo", &[word]);
    let (first, second) = (echo("1"), echo("2"));
    let (first, second) = tokio::join!(one.exec(&first, SOON), two.exec(&second, SOON));
    assert_eq!(first.unwrap().stdout, b"1\n");
    assert_eq!(second.unwrap().stdout, b"2\n");
}

#[tokio::test]
async fn files() {
    let (dir, _child, agent) = agent().await;
    let path = dir.path().join("file");
    let name = path.to_str().unwrap();
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    agent.write_file(name, &content).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(agent.read_file(name, 1 << 20).await.unwrap(), content);
    let error = agent.read_file(name, 300_000).await.unwrap_err();
    assert!(matches!(error, AgentError::TooLarge { .. }), "{error}");
    agent.write_file(name, b"").await.unwrap();
    assert_eq!(agent.read_file(name, 0).await.unwrap(), b"");
    let mut file = agent.file_open(name, "r+b").await.unwrap();
    file.write_all(b"0123456789").await.unwrap();
    assert_eq!(file.seek(SeekFrom::Start(3)).await.unwrap(), 3);
    assert_eq!(file.read(4).await.unwrap(), b"3456");
    assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 9);
    file.flush().await.unwrap();
    file.close().await.unwrap();
    let error = agent.read_file("/no/such", 10).await.unwrap_err();
    assert!(matches!(error, AgentError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn an_agent_that_dies() {
    let (_dir, mut child, agent) = agent().await;
    agent.ping().await.unwrap();
    child.kill().await.unwrap();
    let error = agent.ping().await.unwrap_err();
    assert!(
        matches!(error, AgentError::Gone { .. } | AgentError::Write { .. }),
        "{error}"
    );
}
