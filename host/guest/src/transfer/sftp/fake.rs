//! A server that lies, at the other end of a pipe: a mock, because no real server can be made to do this.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

pub(super) const DIR: u32 = 0o040_755;
pub(super) const FILE: u32 = 0o100_644;
pub(super) const LINK: u32 = 0o120_777;

/// What the server says.
#[derive(Clone)]
pub(super) struct Lies {
    /// Name and mode of each entry of every directory but those named `empty`.
    pub(super) entries: Vec<(Vec<u8>, u32)>,
    /// The listing never ends.
    pub(super) endless_listing: bool,
    /// The content of every file; `None` never ends.
    pub(super) content: Option<Vec<u8>>,
    /// What every link leads to.
    pub(super) link: Vec<u8>,
    /// Sent instead of the answer to a read.
    pub(super) raw: Option<Vec<u8>>,
}

impl Default for Lies {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            endless_listing: false,
            content: Some(b"content".to_vec()),
            link: b"x".to_vec(),
            raw: None,
        }
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// Size 7 and a mode.
fn attrs(mode: u32) -> Vec<u8> {
    [
        &5_u32.to_be_bytes()[..],
        &7_u64.to_be_bytes(),
        &mode.to_be_bytes(),
    ]
    .concat()
}

impl Lies {
    pub(super) async fn serve(self, mut stream: DuplexStream) {
        let (mut listed, mut empty) = (0, false);
        while let Ok(length) = stream.read_u32().await {
            let mut packet = vec![0; length as usize];
            stream.read_exact(&mut packet).await.unwrap();
            let (kind, id) = (packet[0], packet[1..5].to_vec());
            let text = String::from_utf8_lossy(&packet[5..]).into_owned();
            let status = |code: u32| {
                let body = [&code.to_be_bytes()[..], &string(b"no"), &string(b"")].concat();
                (101, body)
            };
            let (answer, body) = match kind {
                1 => {
                    let version = [0, 0, 0, 5, 2, 0, 0, 0, 3];
                    stream.write_all(&version).await.unwrap();
                    continue;
                }
                // Stat, lstat: the top is a directory.
                7 | 17 => (105, attrs(DIR)),
                11 => {
                    (listed, empty) = (0, text.contains("empty"));
                    (102, string(b"h"))
                }
                3 => (102, string(b"h")),
                12 if listed == 0 && !empty || self.endless_listing => {
                    listed += 1;
                    let count = u32::try_from(self.entries.len()).unwrap();
                    let mut body = count.to_be_bytes().to_vec();
                    for (name, mode) in &self.entries {
                        body.extend([string(name), string(b""), attrs(*mode)].concat());
                    }
                    (104, body)
                }
                12 => status(1),
                19 => {
                    let one = [0, 0, 0, 1];
                    (
                        104,
                        [&one[..], &string(&self.link), &string(b""), &attrs(LINK)].concat(),
                    )
                }
                5 if self.raw.is_some() => {
                    let raw = self.raw.clone().unwrap();
                    if stream.write_all(&raw).await.is_err() {
                        return;
                    }
                    continue;
                }
                5 => {
                    let tail = &packet[packet.len() - 12..];
                    let offset = u64::from_be_bytes(tail[..8].try_into().unwrap());
                    let offset = usize::try_from(offset).unwrap();
                    let asked = u32::from_be_bytes(tail[8..].try_into().unwrap()) as usize;
                    match &self.content {
                        None => (103, string(&vec![0; asked])),
                        Some(content) if offset < content.len() => {
                            (103, string(&content[offset..]))
                        }
                        Some(_) => status(1),
                    }
                }
                _ => status(0),
            };
            let length = u32::try_from(body.len() + 5).unwrap();
            let packet = [&length.to_be_bytes()[..], &[answer], &id, &body].concat();
            if stream.write_all(&packet).await.is_err() {
                return;
            }
        }
    }
}
