//! Many sessions and jobs in one guest: OpenSSH takes ten on a connection by default, and this sshd is left so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vthost_guest::{
    Error, HostKeyPolicy, Session, ShellOptions, SshConnection, SshOptions, SshTarget,
};

use crate::server::{SOON, Sshd, listen};

const CROWD: usize = 50;

async fn connect(target: &SshTarget) -> SshConnection {
    SshConnection::connect(target, &SshOptions::default())
        .await
        .unwrap()
}

/// Waits until no more than `count` connections are left.
async fn connections_become(connection: &SshConnection, count: usize) {
    let wait = async {
        while connection.connections().await > count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap();
}

#[tokio::test]
async fn fifty_jobs_at_a_time() {
    let sshd = Arc::new(Sshd::new());
    let connection = connect(&sshd.listen().await).await;
    let mut jobs = Vec::new();
    for i in 0..CROWD {
        let command = format!("read -r x; echo \"{i} $x\"; exit {i}");
        jobs.push(connection.start(&command).await.unwrap());
    }
    assert!(connection.connections().await >= CROWD / 10);
    assert!(jobs.iter().all(vthost_guest::Job::is_running));
    for job in &jobs {
        job.send_stdin(b"go\n").await.unwrap();
    }
    for (i, job) in jobs.iter().enumerate() {
        let done = job.wait(SOON).await.unwrap().unwrap();
        assert_eq!((done.status, done.output), (i as i32, format!("{i} go\n")));
    }
    // Finished jobs hold no place, even while somebody holds them.
    connections_become(&connection, 1).await;
    for i in 0..CROWD {
        let job = connection.start("true").await.unwrap();
        assert_eq!(job.wait(SOON).await.unwrap().unwrap().status, 0, "{i}");
    }
    assert_eq!(connection.connections().await, 1);
    drop(jobs);
}

#[tokio::test]
async fn fifty_commands_in_parallel_sessions() {
    let sshd = Arc::new(Sshd::new());
    let connection = connect(&sshd.listen().await).await;
    let mut sessions = JoinSet::new();
    for i in 0..CROWD {
        let connection = connection.clone();
        sessions.spawn(async move {
            let options = ShellOptions::default();
            let mut session = Session::over(connection, options, None, SOON * 3)
                .await
                .unwrap();
            let command = format!("echo in {i}; (exit {i})");
            let got = session.cmd_status_output(&command, SOON).await.unwrap();
            assert_eq!((got.status, got.output), (i as i32, format!("in {i}\n")));
            session
        });
    }
    let mut open = sessions.join_all().await;
    assert!(connection.connections().await >= CROWD / 10);
    for session in &mut open {
        assert_eq!(session.cmd("echo again", SOON).await.unwrap(), "again\n");
    }
    for session in open {
        session.close().await;
    }
    connections_become(&connection, 1).await;
    connection.kill().await;
    assert!(connection.start("true").await.is_err());
}

#[tokio::test]
async fn there_is_an_end_to_connections() {
    let sshd = Arc::new(Sshd::with("MaxSessions 1"));
    let connection = connect(&sshd.listen().await).await;
    let mut jobs = Vec::new();
    let error = loop {
        match connection.start("cat").await {
            Ok(job) => jobs.push(job),
            Err(error) => break error,
        }
    };
    assert_eq!(jobs.len(), 16);
    assert_eq!(
        error.to_string().split(" to ").next(),
        Some("16 connections"),
        "{error}"
    );
    assert!(matches!(error, Error::Crowded { .. }), "{error}");
}

#[tokio::test]
async fn another_connection_must_show_the_same_key() {
    let (listener, address) = listen().await;
    let (first, second) = (Sshd::with("MaxSessions 1"), Sshd::new());
    let mut target = first.target(address);
    target.host_key = HostKeyPolicy::AcceptAny;
    let server = async { first.serve(listener.accept().await.unwrap().0) };
    let (connection, _first) = tokio::join!(connect(&target), server);
    assert_eq!(connection.host_key(), first.fingerprint());
    let _job = connection.start("cat").await.unwrap();
    let server = async { second.serve(listener.accept().await.unwrap().0) };
    let (job, _second) = tokio::join!(connection.start("cat"), server);
    let error = job.unwrap_err();
    assert!(
        matches!(&error, Error::HostKey { found, .. } if *found == second.fingerprint()),
        "{error}"
    );
}

#[tokio::test]
async fn a_child_that_holds_the_output_does_not_hold_the_job() {
    let sshd = Arc::new(Sshd::new());
    let connection = connect(&sshd.listen().await).await;
    let start = Instant::now();
    let job = connection
        .start("sleep 1000 & echo $!; exit 4")
        .await
        .unwrap();
    let done = job.wait(SOON).await.unwrap().unwrap();
    assert_eq!(done.status, 4);
    assert!(start.elapsed() < SOON);
    let kill = format!("kill {}", done.output);
    let job = connection.start(&kill).await.unwrap();
    assert_eq!(job.wait(SOON).await.unwrap().unwrap().status, 0);
}
