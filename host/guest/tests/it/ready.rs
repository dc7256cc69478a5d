//! The readiness ladder against servers that are not ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use vthost_guest::{Error, Gate, Ladder, Rung, SshOptions, SshTarget, wait_for_login};

use crate::server::{Door, Guard, SOON, Sshd, listen};

#[tokio::test]
async fn a_booting_guest_is_waited_for() {
    let sshd = Sshd::new();
    let (listener, address) = listen().await;
    let target = sshd.target(address);
    let server = async {
        drop(listener.accept().await.unwrap());
        let (mut half, _) = listener.accept().await.unwrap();
        half.write_all(b"SSH-2.0-then nothing\r\n").await.unwrap();
        drop(half);
        sshd.serve(listener.accept().await.unwrap().0)
    };
    let (login, _child) = tokio::join!(wait_for_login(&target, Ladder::default(), SOON), server);
    let mut login = login.unwrap();
    assert_eq!(login.session.cmd("echo up", SOON).await.unwrap(), "up\n");
    let counts: Vec<_> = login
        .report
        .rungs
        .iter()
        .map(|r| (r.rung, r.attempts, r.failures))
        .collect();
    assert_eq!(
        counts,
        [
            (Rung::Banner, 3, 1),
            (Rung::Login, 2, 1),
            (Rung::Shell, 1, 0)
        ],
        "{}",
        login.report
    );
}

#[tokio::test]
async fn nobody_knocks_before_the_gate_opens() {
    let sshd = Sshd::new();
    let (listener, address) = listen().await;
    let target = sshd.target(address);
    let (open, opened) = oneshot::channel::<()>();
    let gate = Gate::new(async { drop(opened.await) }, SOON);
    let ladder = Ladder {
        gate: Some(gate),
        ..Ladder::default()
    };
    let server = async {
        let knock = listener.accept();
        tokio::pin!(knock);
        assert!(
            tokio::time::timeout(Duration::from_millis(200), &mut knock)
                .await
                .is_err(),
            "too early"
        );
        open.send(()).unwrap();
        sshd.serve(knock.await.unwrap().0)
    };
    let (login, _child) = tokio::join!(wait_for_login(&target, ladder, SOON), server);
    let report = login.unwrap().report;
    assert_eq!(
        (report.rungs[0].rung, report.rungs[0].failures),
        (Rung::Gate, 0)
    );
    assert!(report.rungs[0].spent >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_silent_console_does_not_keep_the_gate_shut() {
    let sshd = Arc::new(Sshd::new());
    let target = sshd.listen().await;
    let gate = Gate::new(std::future::pending(), Duration::from_millis(50));
    let login = wait_for_login(
        &target,
        Ladder {
            gate: Some(gate),
            ..Ladder::default()
        },
        SOON,
    )
    .await
    .unwrap();
    assert_eq!(
        login.report.rungs[0].last_reason.as_deref(),
        Some("no sign within 50ms")
    );
}

#[tokio::test]
async fn the_last_error_tells_the_whole_ladder() {
    let (listener, address) = listen().await;
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let target = SshTarget::with_password("127.0.0.1", address.port(), "root", "123456");
    let error = wait_for_login(&target, Ladder::default(), Duration::from_secs(1))
        .await
        .unwrap_err();
    let Error::NotReady { report, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(report.rungs.len(), 1);
    assert!(report.rungs[0].failures >= 2, "{report}");
    let text = error.to_string();
    let start = format!(
        "no ssh login to 127.0.0.1:{} as \"root\" within 1s: banner: failed ",
        address.port()
    );
    assert!(
        text.starts_with(&start) && text.contains("closed at once"),
        "{text}"
    );
}

#[tokio::test]
async fn one_attempt_at_a_time_and_each_with_time() {
    let (listener, address) = listen().await;
    let knocks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&knocks);
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            silent.push(stream);
        }
    });
    let target = SshTarget::with_password("127.0.0.1", address.port(), "root", "123456");
    // An impatient setting is not obeyed.
    let ssh = SshOptions {
        banner_timeout: Duration::from_millis(10),
        ..SshOptions::default()
    };
    let ladder = Ladder {
        ssh,
        ..Ladder::default()
    };
    let error = wait_for_login(&target, ladder, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(knocks.load(Ordering::Relaxed), 2, "{error}");
}

#[tokio::test]
async fn a_wrong_password_does_not_cost_the_login_timeout() {
    let address = Guard(Door::Password).listen().await;
    let target = SshTarget::with_password("127.0.0.1", address.port(), "tester", "wrong");
    let ladder = Ladder {
        auth_grace: Duration::from_millis(500),
        ..Ladder::default()
    };
    let start = Instant::now();
    let error = wait_for_login(&target, ladder, Duration::from_secs(600))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AuthRefused { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(500) && start.elapsed() < SOON);
}

#[tokio::test]
async fn a_guest_that_lets_nobody_in_yet_is_asked_again() {
    let sshd = Sshd::new();
    let (listener, address) = listen().await;
    let mut target = sshd.target(address);
    target.host_key = vthost_guest::HostKeyPolicy::AcceptAny;
    let server = async {
        Guard(Door::None)
            .serve(listener.accept().await.unwrap().0)
            .await;
        sshd.serve(listener.accept().await.unwrap().0)
    };
    let (login, _child) = tokio::join!(wait_for_login(&target, Ladder::default(), SOON), server);
    assert_eq!(login.unwrap().report.rungs[1].failures, 1);
}
