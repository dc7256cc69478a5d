//! Shells behind TCP ports: a telnet server and one that speaks nothing but the shell, each with a real shell on a real
//! terminal or without one.
//!
//! The telnet server is a mock: a real one is not to be had without an inetd that would open a port on every machine that
//! runs these tests. It asks for options as the one of GNU inetutils does, and sends data by the same rules.

use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use vthost_guest::{NcTarget, TelnetTarget, Transport};

use crate::pty;
use crate::server::listen;

const IAC: u8 = 255;
const DONT: u8 = 254;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;
/// Asks for terminal type, speed and window size (DO 24, 32, 31), offers to echo and to suppress "go ahead" (WILL 1, 3), and
/// begins a subnegotiation that nobody has asked for.
const GREETING: &[u8] = &[
    IAC, 253, 24, IAC, 253, 32, IAC, 253, 31, IAC, WILL, 1, IAC, WILL, 3, IAC, SB, 24, 1, IAC, IAC,
    IAC, SE, IAC, 241,
];

/// Whether the server takes and gives eight-bit data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Binary,
    Nvt,
}

/// Serves `script` on a terminal of its own by telnet, to one client after the other.
pub(crate) async fn telnetd(script: &'static str, mode: Mode) -> TelnetTarget {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, script, mode));
        }
    });
    TelnetTarget {
        host: address.ip().to_string(),
        port: address.port(),
        username: "root".to_owned(),
        password: "123456".to_owned(),
        patterns: vthost_guest::adapter::LINUX.login,
    }
}

async fn serve(mut client: TcpStream, script: &str, mode: Mode) {
    let (terminal, _child) = pty::stream(&["sh", "-c", script]);
    let (mut from_terminal, mut to_terminal) = tokio::io::split(terminal);
    let (mut from_client, mut to_client) = client.split();
    to_client.write_all(GREETING).await.unwrap();
    let (mut typed, mut printed) = ([0; 4096], [0; 4096]);
    let mut parser = Parser::default();
    let mut binary = false;
    loop {
        tokio::select! {
            Ok(count) = from_client.read(&mut typed) => {
                if count == 0 {
                    return;
                }
                let mut data = Vec::new();
                for byte in &typed[..count] {
                    let Some((verb, option)) = parser.feed(*byte, binary, &mut data) else {
                        continue;
                    };
                    // 0 is BINARY; what else the client wishes or says is taken note of in silence.
                    let answer = match (verb, option, mode) {
                        (253, 0, Mode::Binary) => { binary = true; Some(WILL) }
                        (251, 0, Mode::Binary) => Some(253),
                        (253, 0, Mode::Nvt) => Some(252),
                        (251, 0, Mode::Nvt) => Some(DONT),
                        _ => None,
                    };
                    if let Some(answer) = answer {
                        to_client.write_all(&[IAC, answer, option]).await.unwrap();
                    }
                }
                if to_terminal.write_all(&data).await.is_err() {
                    return;
                }
            }
            Ok(count) = from_terminal.read(&mut printed) => {
                if count == 0 {
                    return;
                }
                let mut out = Vec::new();
                for (i, byte) in printed[..count].iter().enumerate() {
                    out.push(*byte);
                    match byte {
                        &IAC => out.push(IAC),
                        b'\r' if !binary && printed[..count].get(i + 1) != Some(&b'\n') => out.push(0),
                        _ => {}
                    }
                }
                if to_client.write_all(&out).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

/// The server's half of the protocol, as far as this client of ours needs it.
#[derive(Default)]
struct Parser {
    command: Vec<u8>,
    after_return: bool,
}

impl Parser {
    /// Takes a byte; gives an option that the client asks for or refuses.
    fn feed(&mut self, byte: u8, binary: bool, data: &mut Vec<u8>) -> Option<(u8, u8)> {
        let after_return = std::mem::take(&mut self.after_return);
        match (self.command.len(), byte) {
            (0, IAC) => self.command.push(byte),
            (1, IAC) => {
                self.command.clear();
                data.push(IAC);
            }
            (1, _) => self.command.push(byte),
            (2, option) => {
                let verb = self.command[1];
                self.command.clear();
                return Some((verb, option));
            }
            _ if after_return && !binary && (byte == 0 || byte == b'\n') => {}
            _ => {
                data.push(byte);
                self.after_return = byte == b'\r';
            }
        }
        None
    }
}

/// Serves a program on pipes, without a terminal, to whoever connects.
pub(crate) async fn nc_server(argv: &'static [&'static str]) -> NcTarget {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut children = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            children.push(on_socket(stream, argv));
        }
    });
    NcTarget {
        host: address.ip().to_string(),
        port: address.port(),
    }
}

/// The socket itself is the program's standard input, output and error, as with `nc -e`.
fn on_socket(stream: TcpStream, argv: &[&str]) -> Child {
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let stdio = || Stdio::from(std::os::fd::OwnedFd::from(stream.try_clone().unwrap()));
    Command::new(argv[0])
        .args(&argv[1..])
        .env("HOME", "/tmp")
        .env_remove("PS1")
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A terminal as a transport, with its echo as it is.
pub(crate) fn terminal(script: &str) -> (Transport, Child) {
    pty::spawn(&["bash", "-c", script])
}
