//! A server that closes a channel without an answer to what was asked on it, as dropbear does when the program of another
//! channel ends at that moment. A mock: with the real one it is a matter of luck.

use std::sync::Arc;

use russh::server::{Auth, Config, Handler, Msg, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use vthost_guest::transfer::TransferFault;
use vthost_guest::{FileTransfer, SshConnection, SshOptions, SshTarget};

use super::options;
use crate::server::{key, listen};

struct Forgetful {
    /// So many requests get no answer.
    forgets: usize,
}

impl Handler for Forgetful {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.forgets > 0 {
            self.forgets -= 1;
            session.eof(channel)?;
            return session.close(channel);
        }
        session.channel_success(channel)?;
        session.data(channel, &b"C0644 2 a\nhi\0"[..])?;
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)
    }
}

async fn download(forgets: usize) -> Result<Vec<u8>, TransferFault> {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let config = Config {
            keys: vec![key()],
            methods: MethodSet::from(&[MethodKind::None][..]),
            ..Config::default()
        };
        let (stream, _) = listener.accept().await.unwrap();
        let server = russh::server::run_stream(Arc::new(config), stream, Forgetful { forgets });
        server.await.unwrap().await.ok();
    });
    let mut target = SshTarget::with_password("127.0.0.1", address.port(), "tester", "");
    target.auth.password = None;
    let ssh = SshOptions::default();
    let connection = SshConnection::connect(&target, &ssh).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let transfer = FileTransfer::scp(connection);
    transfer
        .copy_files_from("/x/a", dir.path(), &options())
        .await
        .map_err(|error| error.source)?;
    Ok(std::fs::read(dir.path().join("a")).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_asked_again() {
    assert_eq!(download(2).await.unwrap(), b"hi");
    let fault = download(100).await.unwrap_err();
    assert!(matches!(fault, TransferFault::Lost { .. }), "{fault}");
}
