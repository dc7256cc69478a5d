//! Sessions and jobs over a real sshd, and logins that only an odd server asks for.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vthost_guest::{
    Error, HostKeyPolicy, PrivateKeySource, Session, SessionKind, ShellOptions, SshAuth,
    SshConnection, SshOptions, SshTarget, Transcript,
};

use crate::server::{Door, Guard, SOON, Sshd, listen};

const AT_ONCE: Duration = Duration::from_millis(200);

async fn open(target: &SshTarget) -> Session {
    Session::ssh(
        target,
        &SshOptions::default(),
        ShellOptions::default(),
        None,
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn a_session_over_sshd() {
    let sshd = Arc::new(Sshd::new());
    let mut session = open(&sshd.listen().await).await;
    assert_eq!(session.kind(), SessionKind::Ssh);
    let home = format!("{}\n", sshd.home().display());
    assert_eq!(session.cmd("echo $HOME", SOON).await.unwrap(), home);
    assert_eq!(
        session.cmd("echo hello; echo err >&2", SOON).await.unwrap(),
        "hello\nerr\n"
    );
    let got = session
        .cmd_status_output("printf 'no newline'; (exit 42)", SOON)
        .await
        .unwrap();
    assert_eq!((got.output.as_str(), got.status), ("no newline", 42));
    session.cmd("cd /usr", SOON).await.unwrap();
    assert_eq!(session.cmd("pwd", SOON).await.unwrap(), "/usr\n");
    assert_eq!(session.cmd("stty size", SOON).await.unwrap(), "24 1024\n");
    let long = "x".repeat(60_000);
    assert_eq!(
        session
            .cmd(&format!("printf %s '{long}'"), SOON)
            .await
            .unwrap(),
        long
    );
    let big = session
        .cmd_status_output("seq 1 200000", SOON)
        .await
        .unwrap();
    assert_eq!((big.output.lines().count(), big.dropped), (200_000, 0));
    assert!(session.is_responsive(SOON).await);
    let error = session.cmd("cat", AT_ONCE).await.unwrap_err();
    assert!(matches!(error, Error::CommandTimeout { .. }), "{error}");
    session.send_line("echo typed").await.unwrap();
    assert_eq!(session.read_until_prompt(SOON).await.unwrap(), "typed\n");
    session.close().await;
}

#[tokio::test]
async fn a_shell_replaced_by_a_program_tells_its_status() {
    let sshd = Arc::new(Sshd::new());
    let target = sshd.listen().await;
    for (command, status) in [("exec sh -c 'exit 5'", 5), ("exit 6", 6)] {
        let mut session = open(&target).await;
        let error = session.cmd(command, SOON).await.unwrap_err();
        assert!(
            matches!(&error, Error::Gone { status: Some(s), .. } if *s == status),
            "{command}: {error}"
        );
        assert_eq!(
            error.to_string().split(';').next(),
            Some(&*format!(
                "session has ended: the shell has exited (status {status})"
            ))
        );
        // The connection outlives the shell.
        assert!(
            session
                .start("true")
                .await
                .unwrap()
                .wait(SOON)
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test]
async fn jobs_run_beside_the_shell() {
    let sshd = Arc::new(Sshd::new());
    let mut session = open(&sshd.listen().await).await;
    let job = session
        .start("echo out; echo err >&2; read line; echo \"got $line\"; exit 9")
        .await
        .unwrap();
    assert!(job.wait(AT_ONCE).await.unwrap().is_none());
    assert_eq!(
        session.cmd("echo meanwhile", SOON).await.unwrap(),
        "meanwhile\n"
    );
    assert!(job.is_running());
    job.send_stdin(b"a line\n").await.unwrap();
    let done = job.wait(SOON).await.unwrap().unwrap();
    assert_eq!((done.status, done.signal.as_deref()), (9, None));
    let mut lines: Vec<&str> = done.output.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err", "got a line", "out"]);
    assert_eq!(job.wait(SOON).await.unwrap(), Some(done));

    let cat = session.start("cat").await.unwrap();
    let block = vec![b'z'; 500_000];
    cat.send_stdin(&block).await.unwrap();
    cat.close_stdin().await.unwrap();
    assert_eq!(
        cat.wait(SOON).await.unwrap().unwrap().output.len(),
        block.len()
    );

    let many: Vec<_> = futures_of(&session, 20).await;
    for (i, job) in many.iter().enumerate() {
        assert_eq!(
            job.wait(SOON).await.unwrap().unwrap().output,
            format!("{i}\n")
        );
    }
}

async fn futures_of(session: &Session, count: usize) -> Vec<vthost_guest::Job> {
    let mut jobs = Vec::new();
    for i in 0..count {
        jobs.push(session.start(&format!("echo {i}")).await.unwrap());
    }
    jobs
}

#[tokio::test]
async fn jobs_can_be_killed() {
    let sshd = Arc::new(Sshd::new());
    let session = open(&sshd.listen().await).await;
    let job = session.start("echo begun; exec cat").await.unwrap();
    while job.output_so_far() != "begun\n" {
        assert!(job.wait(Duration::from_millis(10)).await.unwrap().is_none());
    }
    job.kill(SOON).await.unwrap();
    let done = job.wait(SOON).await.unwrap().unwrap();
    assert_eq!(
        (done.status, done.signal.as_deref(), done.output.as_str()),
        (137, Some("KILL"), "begun\n")
    );
    job.kill(SOON).await.unwrap();
    let job = session.start("kill -TERM $$").await.unwrap();
    let done = job.wait(SOON).await.unwrap().unwrap();
    assert_eq!((done.status, done.signal.as_deref()), (143, Some("TERM")));
    assert!(matches!(
        session.start("a\0b").await,
        Err(Error::InvalidCommand { .. })
    ));
}

#[tokio::test]
async fn a_lost_connection_is_said_so() {
    let sshd = Arc::new(Sshd::new());
    let (listener, address) = listen().await;
    let target = sshd.target(address);
    let accept = async {
        let (guest_side, _) = listener.accept().await.unwrap();
        // A cable between the two ends that the test can cut.
        let (inner, inner_address) = listen().await;
        let cable = tokio::net::TcpStream::connect(inner_address).await.unwrap();
        let child = sshd.serve(inner.accept().await.unwrap().0);
        let cut = tokio::spawn(async move {
            let (mut a, mut b) = (guest_side, cable);
            tokio::io::copy_bidirectional(&mut a, &mut b).await.ok();
        });
        (child, cut)
    };
    let (mut session, (_child, cut)) = tokio::join!(open(&target), accept);
    let job = session.start("echo begun; cat").await.unwrap();
    while job.output_so_far().is_empty() {
        assert!(job.wait(Duration::from_millis(10)).await.unwrap().is_none());
    }
    let (error, ()) = tokio::join!(session.cmd("echo partial; cat", SOON), async {
        // The job's output came over the same connection, so the command is on its way.
        cut.abort();
    });
    let error = error.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Gone { status: None, .. } | Error::Write { .. }
        ),
        "{error:?}"
    );
    let error = job.wait(SOON).await.unwrap_err();
    assert!(
        matches!(&error, Error::Gone { output, .. } if output == "begun\n"),
        "{error:?}"
    );
    assert!(error.to_string().contains("connection is lost"), "{error}");
    assert!(session.start("true").await.is_err());
    assert!(!session.is_responsive(SOON).await);
    assert!(!session.is_alive());
}

#[tokio::test]
async fn credentials() {
    let options = SshOptions::default();
    for (door, password, good) in [
        (Door::Password, Some("secret"), true),
        (Door::Password, Some("wrong"), false),
        (Door::Interactive, Some("secret"), true),
        (Door::Interactive, Some("wrong"), false),
        (Door::None, None, true),
        (Door::Password, None, false),
    ] {
        let address = Guard(door).listen().await;
        let mut target = SshTarget::with_password("127.0.0.1", address.port(), "tester", "");
        target.auth.password = password.map(str::to_owned);
        let result = SshConnection::connect(&target, &options).await;
        assert_eq!(result.is_ok(), good, "{password:?} {result:?}");
        if let Err(error) = result {
            assert!(
                matches!(&error, Error::AuthRefused { user, .. } if user == "tester"),
                "{error:?}"
            );
        }
    }
    let sshd = Arc::new(Sshd::new());
    let mut target = sshd.listen().await;
    target.auth = SshAuth {
        key: Some(PrivateKeySource::Text(sshd.key_text())),
        password: None,
    };
    SshConnection::connect(&target, &options).await.unwrap();
    target.auth.key = Some(PrivateKeySource::Path("/nonexistent/key".into()));
    let error = SshConnection::connect(&target, &options).await.unwrap_err();
    assert!(matches!(error, Error::Key { .. }), "{error}");
    target.auth.key = Some(PrivateKeySource::Text("no key".to_owned()));
    let error = SshConnection::connect(&target, &options).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot load private key given as text");
    target.auth.key = None;
    target.host_key = HostKeyPolicy::Pinned("SHA256:other".to_owned());
    let error = SshConnection::connect(&target, &options).await.unwrap_err();
    assert!(
        matches!(&error, Error::HostKey { found, .. } if *found == sshd.fingerprint()),
        "{error:?}"
    );
    assert!(
        !format!("{:?}", SshTarget::with_password("h", 1, "u", "topsecret")).contains("topsecret")
    );
}

#[tokio::test]
async fn a_handshake_given_up_on_closes_its_connection() {
    let (listener, address) = listen().await;
    let options = SshOptions {
        handshake_timeout: AT_ONCE,
        ..SshOptions::default()
    };
    let target = SshTarget::with_password("127.0.0.1", address.port(), "tester", "secret");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-silent\r\n").await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.ok();
        all
    };
    let (result, sent) = tokio::join!(SshConnection::connect(&target, &options), server);
    assert!(
        matches!(result, Err(Error::StepTimeout { .. })),
        "{result:?}"
    );
    assert!(sent.starts_with(b"SSH-2.0-"));
}

#[tokio::test]
async fn the_transcript_has_both_ways() {
    let sshd = Arc::new(Sshd::new());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session-vm1.log");
    let transcript = Transcript::to_file(&path).unwrap();
    let target = sshd.listen().await;
    let mut session = Session::ssh(
        &target,
        &SshOptions::default(),
        ShellOptions::default(),
        Some(transcript),
    )
    .await
    .unwrap();
    session.cmd("echo $((6*7))", SOON).await.unwrap();
    session.close().await;
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.lines().any(|l| l.ends_with("< 42")), "{log}");
    assert!(
        log.lines()
            .any(|l| l.contains(" > ") && l.contains("echo $((6*7))")),
        "{log}"
    );
}
