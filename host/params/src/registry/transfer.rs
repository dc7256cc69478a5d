//! Keys: files to and from the guest.

use super::key::{Key, key};
use super::kind::{COUNT, Kind, PORT};
use super::objects::VM;

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("file_transfer_client", Kind::Word(&["scp", "rss"]), "scp", "how files are copied: over ssh, or by the server for Windows guests"),
    vm("file_transfer_port", PORT, "22", "the port of the guest that files are copied through; 10023 for `rss`"),
    vm("file_transfer_timeout", Kind::Seconds, "", "seconds that a copy may take").not_yet(),
    vm("filesize", COUNT, "4000", "MiB that tests of copies move").ignored("tests read it themselves"),
    vm("guest_path", Kind::Text, "", "where tests put files in the guest").ignored("tests read it themselves"),
    vm("tmp_dir", Kind::Path, "", "where tests put files").ignored("tests read it themselves"),
    vm("transfer_timeout", Kind::Seconds, "1000", "seconds that a copy of a test may take").ignored("tests read it themselves"),
];
