//! Jobs and transfers over the ssh server of small guests. Its 2022.83, and surely others, closes every channel on which
//! nothing runs yet when a program of the same connection ends, and dies if a program is asked for on such a channel after
//! all. Needs root, for a home of its own.

use std::path::Path;
use std::process::Stdio;

use russh::keys::ssh_key::LineEnding;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use vthost_guest::transfer::TransferOptions;
use vthost_guest::{
    FileTransfer, HostKeyPolicy, PrivateKeySource, SshAuth, SshConnection, SshOptions, SshTarget,
};

use crate::server::{SOON, key, listen};

/// Where the home of root is, which a name space of its own has a directory of the test at.
const HOME: &str = "/root";

/// Starts a server for every connection, for as long as the test runs.
async fn serve(dir: &TempDir) -> SshTarget {
    let file = |name: &str| dir.path().join(name);
    let user_key = key();
    let made = std::process::Command::new("dropbearkey")
        .args(["-t", "ed25519", "-f"])
        .arg(file("host_key"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("these tests need the package dropbear-bin");
    assert!(made.success());
    std::fs::create_dir(file(".ssh")).unwrap();
    let authorized = user_key.public_key().to_openssh().unwrap();
    std::fs::write(file(".ssh/authorized_keys"), authorized).unwrap();
    let (listener, address) = listen().await;
    let home = dir.path().to_owned();
    tokio::spawn(async move {
        let mut children = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            children.push(serve_one(&home, stream));
        }
    });
    SshTarget {
        host: address.ip().to_string(),
        port: address.port(),
        username: "root".to_owned(),
        auth: SshAuth {
            key: Some(PrivateKeySource::Text(
                user_key.to_openssh(LineEnding::LF).unwrap().to_string(),
            )),
            password: None,
        },
        host_key: HostKeyPolicy::AcceptAny,
    }
}

fn serve_one(home: &Path, stream: TcpStream) -> Child {
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let script = format!("mount --bind \"$1\" {HOME} && exec dropbear -i -r {HOME}/host_key");
    Command::new("unshare")
        .args(["--mount", "sh", "-c", &script, "sh"])
        .arg(home)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(
            stream.try_clone().unwrap(),
        )))
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(stream)))
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Each line of work appends to a file, so that one that runs twice is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_begin_while_others_end() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let target = serve(&dir).await;
    let options = SshOptions::default();
    let connection = SshConnection::connect(&target, &options).await.unwrap();
    let mut lines = JoinSet::new();
    for line in 0..8 {
        let connection = connection.clone();
        lines.spawn(async move {
            for number in 0..10 {
                let command = format!("echo {line} {number} >> done; exit {number}");
                let job = connection.start(&command).await?;
                let end = job.wait(SOON).await?.expect("it ends soon");
                assert_eq!(end.status, number);
            }
            Ok::<_, vthost_guest::Error>(())
        });
    }
    for line in lines.join_all().await {
        line.unwrap_or_else(|error| panic!("{error}"));
    }
    let done = std::fs::read_to_string(dir.path().join("done")).unwrap();
    let mut done: Vec<_> = done.lines().collect();
    assert_eq!(done.len(), 8 * 10);
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 8 * 10, "a job ran twice");
    assert_eq!(connection.connections().await, 1);
}

/// What stays on a connection must not be hit either, and no connection must be left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_begin_while_others_are_killed_and_files_are_copied() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let target = serve(&dir).await;
    let options = SshOptions::default();
    let connection = SshConnection::connect(&target, &options).await.unwrap();
    let stays = connection.start("read -r word; exit $word").await.unwrap();
    let mut lines = JoinSet::new();
    for line in 0..5 {
        let connection = connection.clone();
        lines.spawn(async move {
            for _ in 0..10 {
                if line < 2 {
                    let job = connection.start("cat").await?;
                    job.kill(SOON).await?;
                } else if line < 3 {
                    drop(connection.start("true").await?);
                } else {
                    let job = connection.start("exit 3").await?;
                    assert_eq!(job.wait(SOON).await?.expect("it ends soon").status, 3);
                }
            }
            Ok::<_, vthost_guest::Error>(())
        });
    }
    let (from, copy) = (dir.path().join("from"), dir.path().join("copy"));
    std::fs::write(&from, "content").unwrap();
    let to_guest = format!("{HOME}/copy");
    for transfer in [
        FileTransfer::sftp(connection.clone()),
        FileTransfer::scp(connection.clone()),
    ] {
        // Its shell ends when it likes, a second after its command.
        let job = connection.start("cat").await.unwrap();
        job.close_stdin().await.unwrap();
        assert_eq!(job.wait(SOON).await.unwrap().unwrap().status, 0);
        for _ in 0..8 {
            let options = TransferOptions::default();
            transfer
                .copy_files_to(&from, &to_guest, &options)
                .await
                .unwrap();
            assert_eq!(std::fs::read(&copy).unwrap(), b"content");
            std::fs::remove_file(&copy).unwrap();
            // There is no such file any more.
            let gone = transfer
                .copy_files_from(&to_guest, dir.path(), &options)
                .await;
            assert!(gone.is_err());
        }
    }
    for line in lines.join_all().await {
        line.unwrap_or_else(|error| panic!("{error}"));
    }
    stays.send_stdin(b"7\n").await.unwrap();
    assert_eq!(stays.wait(SOON).await.unwrap().unwrap().status, 7);
}
