//! Sessions by telnet and over raw TCP.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use vthost_guest::{
    Error, GuestFacts, Ladder, NcTarget, Rung, Session, SessionKind, ShellOptions, Transcript,
    wait_for_login,
};

use crate::network::{Mode, nc_server, telnetd};
use crate::serial::LOGIN;
use crate::server::{SOON, listen};

/// The output of `every_byte`: all of them, carriage returns and the telnet protocol's own among them.
fn all_bytes() -> Vec<u8> {
    (0..=255).chain(*b"\r\n\r\0\r").collect()
}

/// Prints [`all_bytes`].
fn every_byte() -> String {
    let octal: String = all_bytes().iter().map(|b| format!("\\{b:03o}")).collect();
    format!("printf '{octal}'")
}

async fn telnet(mode: Mode) -> Session {
    let target = telnetd(LOGIN, mode).await;
    Session::telnet(&target, ShellOptions::default(), None, SOON)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_by_telnet() {
    for mode in [Mode::Binary, Mode::Nvt] {
        let mut session = telnet(mode).await;
        assert_eq!(session.kind(), SessionKind::Telnet);
        assert_eq!(session.cmd("echo $((1+1))", SOON).await.unwrap(), "2\n");
        let mut sink = Vec::new();
        session
            .cmd_to(&every_byte(), &mut sink, SOON)
            .await
            .unwrap();
        assert_eq!(sink, all_bytes());
        let text = "\u{ff}\u{e4}'\r\u{1}".repeat(5000);
        let command = format!("printf %s '{}'", text.replace('\'', r"'\''"));
        assert_eq!(session.cmd(&command, SOON).await.unwrap(), text);
        let error = session
            .cmd("cat", Duration::from_millis(300))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::CommandTimeout { usable: true, .. }),
            "{error}"
        );
        session.send_line("cat").await.unwrap();
        session.send_line("echoed").await.unwrap();
        session.send_ctrl("ctrl+d").await.unwrap();
        let text = session.read_until_prompt(SOON).await.unwrap();
        assert!(text.contains("echoed\n"), "{text:?}");
        let error = session.cmd("exit 3", SOON).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Gone {
                    status: Some(3),
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_by_telnet_is_refused() {
    let mut target = telnetd(LOGIN, Mode::Nvt).await;
    target.password = "wrong-password".to_owned();
    assert!(!format!("{target:?}").contains("wrong-password"));
    let error = Session::telnet(&target, ShellOptions::default(), None, SOON)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string().split(';').next(),
        Some("telnet login refused for user \"root\" (the guest says so)")
    );
}

#[tokio::test]
async fn the_password_is_never_in_the_transcript() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let transcript = Transcript::to_file(&path).unwrap();
    let target = telnetd(LOGIN, Mode::Binary).await;
    let ladder = Ladder {
        transcript: Some(transcript),
        ..Ladder::default()
    };
    let login = wait_for_login(target, ladder, SOON).await.unwrap();
    let mut session = login.session;
    // Whoever prints it, the log does not show it.
    let shown = session.cmd("echo 123456", SOON).await.unwrap();
    assert_eq!(shown, "123456\n");
    session.close().await;
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(!log.contains("123456"), "{log}");
    assert!(log.contains("[hidden]") && log.contains("= a password is sent"));
}

#[tokio::test]
async fn a_shell_over_raw_tcp() {
    for argv in [
        &["bash", "--norc", "-i"][..],
        &["dash", "-i"],
        &["busybox", "ash", "-i"],
    ] {
        let target = nc_server(argv).await;
        let mut session = Session::nc(&target, ShellOptions::default(), None, SOON)
            .await
            .unwrap();
        assert_eq!(session.kind(), SessionKind::Nc);
        let got = session
            .cmd_status_output("echo out; echo err >&2; (exit 9)", SOON)
            .await
            .unwrap();
        assert_eq!(
            (got.status, got.output.as_str()),
            (9, "out\nerr\n"),
            "{argv:?}"
        );
        let mut sink = Vec::new();
        session
            .cmd_to(&every_byte(), &mut sink, SOON)
            .await
            .unwrap();
        assert_eq!(sink, all_bytes(), "{argv:?}");
        let long = "x".repeat(100_000);
        let command = format!("printf %s {long}");
        assert_eq!(session.cmd(&command, SOON).await.unwrap(), long);
        let error = session.cmd("exit 3", SOON).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Gone {
                    status: Some(3),
                    ..
                }
            ),
            "{argv:?} {error}"
        );
    }
}

#[tokio::test]
async fn the_ladder_leads_to_every_carrier() {
    let telnet = telnetd(LOGIN, Mode::Nvt).await;
    let mut login = wait_for_login(telnet, Ladder::default(), SOON)
        .await
        .unwrap();
    assert_eq!(login.session.cmd("echo up", SOON).await.unwrap(), "up\n");
    let rungs: Vec<_> = login.report.rungs.iter().map(|r| r.rung).collect();
    assert_eq!(rungs, [Rung::Banner, Rung::Login]);
    let nc = nc_server(&["dash", "-i"]).await;
    let mut login = wait_for_login(nc, Ladder::default(), SOON).await.unwrap();
    assert_eq!(login.session.cmd("echo up", SOON).await.unwrap(), "up\n");
}

#[tokio::test]
async fn a_guest_that_does_not_get_there_is_described() {
    // As QEMU's user network does before anybody listens in the guest.
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.shutdown().await.ok();
        }
    });
    let target = NcTarget {
        host: address.ip().to_string(),
        port: address.port(),
    };
    let facts = GuestFacts {
        machine: Some("running".to_owned()),
        console: Some("[    1.000000] Kernel panic - not syncing: VFS\r\n".to_owned()),
        agent: Some("no answer within 5s".to_owned()),
        screen: Some("/results/screen.png".into()),
    };
    let ladder = Ladder {
        facts: Some(Box::pin(std::future::ready(facts))),
        ..Ladder::default()
    };
    let error = wait_for_login(target, ladder, Duration::from_secs(1))
        .await
        .unwrap_err();
    let text = error.to_string();
    let start = format!(
        "no nc login to 127.0.0.1:{} within 1s: banner: failed ",
        address.port()
    );
    assert!(text.starts_with(&start), "{text}");
    let end = "; machine: running; agent: no answer within 5s; screen: /results/screen.png; \
               console: [    1.000000] Kernel panic - not syncing: VFS";
    assert!(text.ends_with(end), "{text}");
}

#[tokio::test]
async fn a_telnet_connection_that_breaks_is_said_so() {
    let (listener, address) = listen().await;
    let mut target = telnetd(LOGIN, Mode::Nvt).await;
    let server = (target.host.clone(), target.port);
    target.port = address.port();
    // A cable between the two ends that the test can cut.
    let accept = async {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(server).await.unwrap();
        let copy = tokio::spawn(async move {
            tokio::io::copy_bidirectional(&mut near, &mut far)
                .await
                .ok();
        });
        copy.abort_handle()
    };
    let login = Session::telnet(&target, ShellOptions::default(), None, SOON);
    let (session, cable) = tokio::join!(login, accept);
    let mut session = session.unwrap();
    let (error, ()) = tokio::join!(session.cmd("cat", SOON), async { cable.abort() });
    let error = error.unwrap_err();
    assert!(
        matches!(&error, Error::Gone { .. } | Error::Write { .. }),
        "{error}"
    );
    assert!(!session.is_responsive(SOON).await);
}
