//! QEMU's `name,key=value,key=value` strings.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A property string being built. A comma in a value is doubled, which is how QEMU reads a plain comma: so no value can
/// end itself and bring in a key of its own. Keys and the first word come from this crate or are checked words.
#[derive(Debug, Clone)]
pub(super) struct Props(Vec<u8>);

impl Props {
    /// Begins with a word without a key, such as the name of a device.
    pub(super) fn new(first: &str) -> Self {
        Self(escape(OsStr::new(first)))
    }

    /// Begins empty.
    pub(super) fn empty() -> Self {
        Self(Vec::new())
    }

    /// Begins with a key.
    pub(super) fn with(key: &str, value: impl AsRef<OsStr>) -> Self {
        Self::empty().key(key, value)
    }

    /// Adds a key.
    pub(super) fn key(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b'=');
        self.0.extend(escape(value.as_ref()));
        self
    }

    /// Adds a key if there is a value.
    pub(super) fn maybe(self, key: &str, value: Option<impl AsRef<OsStr>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// Adds a key that is `on` or `off`.
    pub(super) fn switch(self, key: &str, on: bool) -> Self {
        self.key(key, if on { "on" } else { "off" })
    }

    pub(super) fn finish(self) -> OsString {
        OsString::from_vec(self.0)
    }
}

fn escape(value: &OsStr) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value.as_bytes() {
        if byte == b',' {
            out.push(b',');
        }
        out.push(byte);
    }
    out
}
