//! Shells behind a TCP port without ssh: telnet servers, and servers that speak nothing but the shell (`nc`).

use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::adapter::LoginPatterns;
use crate::error::{Error, Result};
use crate::ssh::GREETING;
use crate::telnet::Telnet;
use crate::transport::{Ending, Transport};

/// The least time a server gets to say its first word: QEMU's user network queues every connection for the guest, and a
/// slow guest then forks a server for each one given up on.
pub(crate) const SHORTEST_BANNER_TIMEOUT: Duration = Duration::from_secs(4);

/// After so long a silence the kernel asks the other side for a sign of life; as often and as patiently as
/// [`SshOptions`](crate::SshOptions) does by default.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_COUNT: u32 = 8;

/// The way into a guest by telnet: the parameters `shell_port`, `username`, `password`.
#[derive(Clone)]
pub struct TelnetTarget {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// The prompts of the guest's login.
    pub patterns: LoginPatterns,
}

impl fmt::Debug for TelnetTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TelnetTarget({}@{}:{})",
            self.username, self.host, self.port
        )
    }
}

/// The way to a shell that a TCP port gives to whoever connects (the shell client `nc` of the reference).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NcTarget {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A TCP connection on which a server has begun to speak.
pub(crate) struct Greeted {
    stream: TcpStream,
    greeting: Vec<u8>,
}

impl Greeted {
    /// Connects and waits for the first byte.
    pub(crate) async fn new(host: &str, port: u16, timeout: Duration) -> Result<Self> {
        let timeout = timeout.max(SHORTEST_BANNER_TIMEOUT);
        let no_banner = |reason: String| Error::NoBanner {
            host: host.to_owned(),
            port,
            reason,
        };
        let greet = async {
            let stream = TcpStream::connect((host, port))
                .await
                .and_then(|stream| keep_alive(&stream).map(|()| stream))
                .map_err(|source| Error::Connect {
                    host: host.to_owned(),
                    port,
                    source,
                })?;
            let mut greeting = vec![0; GREETING];
            match stream.peek(&mut greeting).await {
                Ok(0) => Err(no_banner("the connection was closed at once".to_owned())),
                Ok(length) => {
                    greeting.truncate(length);
                    Ok(Self { stream, greeting })
                }
                Err(error) => Err(no_banner(error.to_string())),
            }
        };
        match tokio::time::timeout(timeout, greet).await {
            Ok(result) => result,
            Err(_) => Err(no_banner(format!("silence for {timeout:?}"))),
        }
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// The first bytes that the server has sent, no more of them than tell one ssh server from another.
    pub(crate) fn greeting(&self) -> &[u8] {
        &self.greeting
    }

    /// The bytes of a telnet connection without the protocol. Must be called within a tokio runtime.
    pub(crate) fn into_telnet(self) -> Transport {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let ending = Ending::default();
        tokio::spawn(carry(self.stream, far, ending.clone()));
        Transport::from_stream(near).with_ending(ending)
    }

    /// The bytes as they are.
    pub(crate) fn into_raw(self) -> Transport {
        Transport::from_stream(self.stream)
    }
}

fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_COUNT)?;
    Ok(())
}

/// Translates between a telnet connection and a session, until one of them ends; then the connection is closed.
async fn carry(mut server: TcpStream, session: DuplexStream, ending: Ending) {
    let (from_server, to_server) = server.split();
    // The session sees its end when both halves are gone, so the reason is there before.
    let (from_session, mut to_session) = tokio::io::split(session);
    let telnet = Mutex::new(Telnet::default());
    // Each direction waits for its own receiver only: a program that does not read what is typed can still print.
    let to_server = tokio::sync::Mutex::new(to_server);
    let ended = tokio::select! {
        ended = receive(&telnet, from_server, &mut to_session, &to_server) => ended,
        ended = send(&telnet, from_session, &to_server) => ended,
    };
    if let Err(error) = ended {
        ending.update(|facts| {
            facts.reason = Some(format!("the telnet connection is lost: {error}"));
        });
    }
}

async fn receive(
    telnet: &Mutex<Telnet>,
    mut server: ReadHalf<'_>,
    session: &mut tokio::io::WriteHalf<DuplexStream>,
    to_server: &tokio::sync::Mutex<WriteHalf<'_>>,
) -> io::Result<()> {
    let mut reply = lock(telnet).greeting();
    let (mut chunk, mut data) = (vec![0; 32 * 1024], Vec::new());
    loop {
        if !reply.is_empty() {
            to_server.lock().await.write_all(&reply).await?;
            reply.clear();
        }
        let count = server.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        lock(telnet).decode(&chunk[..count], &mut data, &mut reply);
        if session.write_all(&data).await.is_err() {
            return Ok(());
        }
        data.clear();
    }
}

async fn send(
    telnet: &Mutex<Telnet>,
    mut session: tokio::io::ReadHalf<DuplexStream>,
    server: &tokio::sync::Mutex<WriteHalf<'_>>,
) -> io::Result<()> {
    let (mut chunk, mut out) = (vec![0; 4096], Vec::new());
    loop {
        let count = session.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        lock(telnet).encode(&chunk[..count], &mut out);
        server.lock().await.write_all(&out).await?;
        out.clear();
    }
}

fn lock(telnet: &Mutex<Telnet>) -> MutexGuard<'_, Telnet> {
    telnet.lock().unwrap_or_else(PoisonError::into_inner)
}
