//! The bytes of a serial port or virtio port.

use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio::time::Instant;
use vthost_qemu::SerialStream;
use vthost_qemu::serial::Replay;

use super::Vm;
use crate::fate::Fate;
use crate::session::SessionMatch;
use crate::{Error, ErrorKind, Result};

/// A compiled expression takes at most this many bytes.
const REGEX_SIZE: usize = 1 << 20;

/// How much is kept of what no pattern has matched: a match is never longer.
const KEPT: usize = 1 << 20;

/// One end of a port. What the guest writes while nobody reads is kept by the port, up to its own limit.
#[derive(Debug)]
pub struct Console {
    name: String,
    fate: Fate,
    port: Mutex<Port>,
}

#[derive(Debug)]
struct Port {
    stream: SerialStream,
    unread: Vec<u8>,
}

impl Port {
    /// Waits for more; false at the end of the stream.
    async fn more(&mut self) -> std::io::Result<bool> {
        let mut chunk = [0; 16 << 10];
        let count = self.stream.read(&mut chunk).await?;
        self.unread.extend_from_slice(&chunk[..count]);
        let too_much = self.unread.len().saturating_sub(KEPT);
        self.unread.drain(..too_much);
        Ok(count > 0)
    }
}

impl Console {
    fn late(&self, what: &str, timeout: Duration) -> Error {
        let text = format!("{what} the port {} within {timeout:?}", self.name);
        Error::new(ErrorKind::TimedOut, text)
    }

    async fn gone(&self) -> Error {
        let why = self.fate.told().await;
        let why = why.unwrap_or_else(|| "its machine is no more".to_owned());
        let text = format!("the port {} is closed: {why}", self.name);
        Error::new(ErrorKind::Gone, text)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the guest does not take them; [`ErrorKind::Gone`] if the machine has ended.
    pub async fn send(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        let mut port = self.port.lock().await;
        let sent = tokio::time::timeout(timeout, port.stream.write_all(bytes)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.gone().await),
            Err(_) => Err(self.late("the guest does not take what is sent to", timeout)),
        }
    }

    /// Gives what has come, at most `limit` bytes; waits for the first byte.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn receive(&self, limit: usize, timeout: Duration) -> Result<Vec<u8>> {
        let mut port = self.port.lock().await;
        if port.unread.is_empty() {
            match tokio::time::timeout(timeout, port.more()).await {
                Ok(Ok(true)) => {}
                Ok(_) => return Err(self.gone().await),
                Err(_) => return Err(self.late("nothing comes from", timeout)),
            }
        }
        let count = limit.min(port.unread.len());
        Ok(port.unread.drain(..count).collect())
    }

    /// Reads until one of the regular expressions matches.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a bad or missing pattern; as [`send`](Self::send), with the last output.
    pub async fn read_until(&self, patterns: &[String], timeout: Duration) -> Result<SessionMatch> {
        let patterns = compile(patterns)?;
        let end = Instant::now() + timeout;
        let mut port = self.port.lock().await;
        loop {
            if let Some(found) = take_match(&mut port.unread, &patterns) {
                return Ok(found);
            }
            let wrong = match tokio::time::timeout_at(end, port.more()).await {
                Ok(Ok(true)) => continue,
                Ok(_) => self.gone().await,
                Err(_) => self.late("what was waited for does not come from", timeout),
            };
            let tail = &port.unread[port.unread.len().saturating_sub(1024)..];
            let text = format!("the last output is {:?}", String::from_utf8_lossy(tail));
            return Err(Error::caused(wrong.kind(), wrong.to_string(), text));
        }
    }
}

fn compile(patterns: &[String]) -> Result<Vec<Regex>> {
    let size: usize = patterns.iter().map(String::len).sum();
    if patterns.is_empty() || patterns.len() > 64 || size > 16 << 10 {
        let text = "there have to be patterns, at most 64 and of 16 KiB";
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    let compile = |pattern: &String| {
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(REGEX_SIZE).multi_line(true).build()
    };
    let compiled: std::result::Result<_, _> = patterns.iter().map(compile).collect();
    compiled.map_err(|error| {
        Error::caused(
            ErrorKind::Invalid,
            "a pattern is no regular expression",
            error,
        )
    })
}

/// The match that begins first, taken out with all that stands before it.
fn take_match(unread: &mut Vec<u8>, patterns: &[Regex]) -> Option<SessionMatch> {
    let matches = patterns.iter().enumerate();
    let matches =
        matches.filter_map(|(index, pattern)| Some((pattern.find(unread)?.range(), index)));
    let (range, index) = matches.min_by_key(|(range, index)| (range.start, *index))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let found = SessionMatch {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        before: text(&unread[..range.start]),
        matched: text(&unread[range.clone()]),
    };
    unread.drain(..range.end);
    Some(found)
}

impl Vm {
    /// The bytes of a serial port or virtio port, from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such port.
    pub fn console(&self, name: &str) -> Result<Console> {
        let machine = self.machine()?;
        let Some(serial) = machine.console(name) else {
            let known: Vec<_> = machine
                .spec()
                .serials
                .iter()
                .map(|port| &*port.name)
                .collect();
            let text = format!(
                "{} has no port `{name}` (serials = {})",
                self.name,
                known.join(" ")
            );
            return Err(Error::new(ErrorKind::NotFound, text));
        };
        Ok(Console {
            name: name.to_owned(),
            fate: Fate::of(&machine),
            port: Mutex::new(Port {
                stream: serial.subscribe(Replay::None),
                unread: Vec::new(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_is_taken() {
        let patterns = compile(&["w(o)rld".to_owned(), "l+".to_owned()]).unwrap();
        let mut unread = b"hello world".to_vec();
        let found = take_match(&mut unread, &patterns).unwrap();
        assert_eq!(
            (found.index, &*found.before, &*found.matched),
            (1, "he", "ll")
        );
        let found = take_match(&mut unread, &patterns).unwrap();
        assert_eq!(
            (found.index, &*found.before, &*found.matched),
            (0, "o ", "world")
        );
        assert!(take_match(&mut unread, &patterns).is_none());
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(compile(&[]).is_err());
        assert!(compile(&["(".to_owned()]).is_err());
        assert!(compile(&vec!["x".to_owned(); 65]).is_err());
    }
}
