//! The rss file protocol: files into and out of guests without ssh, as a Windows guest of the reference has it.
//!
//! A server in the guest listens on a TCP port of its own (`file_transfer_port`, 10023 by default) beside a shell that is
//! plain text over TCP (`shell_port`, 10022; a session of kind `nc`). All numbers are 32-bit little-endian; a packet is its
//! length and so many bytes.
//!
//! | step | who | what |
//! |---|---|---|
//! | greeting | server | the magic number `0x525353` |
//! | | client | the size of a chunk, 512 bytes to 1 MiB |
//! | | client | UPLOAD or DOWNLOAD: what this connection is for |
//! | a copy | client | SET_PATH and a packet: the target, or the source (wildcards and variables are the server's to expand) |
//! | | sender | for each file CREATE_FILE, a packet with its name, chunks; the first chunk that is not full ends it |
//! | | | for each directory CREATE_DIR, a packet with its name, what is in it, LEAVE_DIR |
//! | | | DONE |
//! | | server | after an upload OK or ERROR and a packet with a text; in a download ERROR may stand for any message |
//!
//! There is no authentication, no encryption, and neither permissions nor times. The connection can carry several copies.
//!
//! [`RssServer`] is the other side, for tests and for tools on the host; `deps/rss/rss_server.py` is one for Linux guests.

mod client;
mod server;
mod tree;
mod wire;

pub use server::RssServer;

pub(crate) use client::{download, upload};

/// Where the file server of a guest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RssTarget {
    /// Host name or address.
    pub host: String,
    /// TCP port; 10023 in the guest unless redirected.
    pub port: u16,
}
