//! How an image is named to the tools of QEMU.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::{ImageError, Secret};
use crate::spec::{Cache, DriveFormat};

/// One image, as a tool is to open it. It is written as a list of options (`--image-opts`), so that no part of a name
/// is taken for a protocol, an option or a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// Where the bytes are.
    pub place: Place,
    /// Format of the image; no tool ever guesses it.
    pub format: DriveFormat,
    /// The passphrase, for `luks` and for encrypted `qcow2`.
    pub secret: Option<Secret>,
    /// Open it for reading only, whatever the tool would do.
    pub read_only: bool,
    /// Open it although another process writes to it. What is read may be torn. Read-only.
    pub shared: bool,
    /// Cache mode. Default: that of the tool. Tools flush once at their end, so `writethrough` is as `writeback`.
    pub cache: Option<Cache>,
    /// The files below it and its external data files, as [`super::Chain`] found them within the directories that are
    /// allowed. A qcow2 image that leads to others is refused; and where the kernel has Landlock, a tool can open no
    /// others, whatever an image of any format says.
    pub backing: Vec<PathBuf>,
}

/// Where the bytes of an image are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file or a block device.
    File(PathBuf),
    /// An export of an NBD server on a UNIX socket.
    NbdUnix {
        /// The socket.
        socket: PathBuf,
        /// The name of the export.
        export: String,
    },
    /// An export of an NBD server on TCP.
    NbdTcp {
        /// Name or address of the host.
        host: String,
        /// The port.
        port: u16,
        /// The name of the export.
        export: String,
    },
}

impl ImageRef {
    /// An image in a place.
    #[must_use]
    pub fn new(place: Place, format: DriveFormat) -> Self {
        Self {
            place,
            format,
            secret: None,
            read_only: false,
            shared: false,
            cache: None,
            backing: Vec::new(),
        }
    }

    /// An image in a file, without backing files.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>, format: DriveFormat) -> Self {
        Self::new(Place::File(path.into()), format)
    }

    /// The same with a passphrase.
    #[must_use]
    pub fn with_secret(self, secret: Secret) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }

    /// The same with the files it builds on.
    #[must_use]
    pub fn with_backing(self, backing: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            backing: backing.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// The same, opened read-only and beside a process that writes to it.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            read_only: true,
            shared: true,
            ..self
        }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::NbdUnix { .. } | Place::NbdTcp { .. } => None,
        }
    }

    /// The list of options, with the id of the secret object.
    pub(super) fn options(&self, secret: Option<&str>) -> Result<OsString, ImageError> {
        let mut out = Options::default();
        out.put("driver", self.format.driver());
        match &self.place {
            Place::File(path) => {
                let path = absolute(path)?;
                out.put("file.driver", file_driver(&path));
                out.put("file.filename", path);
            }
            Place::NbdUnix { socket, export } => {
                out.put("file.driver", "nbd");
                out.put("file.server.type", "unix");
                out.put("file.server.path", absolute(socket)?);
                out.put("file.export", export);
            }
            Place::NbdTcp { host, port, export } => {
                out.put("file.driver", "nbd");
                out.put("file.server.type", "inet");
                out.put("file.server.host", host);
                out.put("file.server.port", port.to_string());
                out.put("file.export", export);
            }
        }
        if let Some(id) = secret {
            let key = match self.format {
                DriveFormat::Luks => "key-secret",
                _ => "encrypt.key-secret",
            };
            out.put(key, id);
        }
        if self.read_only || self.shared {
            out.put("read-only", "on");
        }
        if self.shared {
            out.put("force-share", "on");
        }
        if let Some(cache) = self.cache {
            out.put("cache.direct", switch(cache.direct()));
            out.put("cache.no-flush", switch(cache.no_flush()));
        }
        Ok(out.finish())
    }

    /// The path by which an overlay names this image as its backing file.
    pub(super) fn backing_name(&self) -> Result<PathBuf, ImageError> {
        // An absolute path begins with a slash, so it is never taken for a protocol.
        let path = self.path().ok_or_else(|| ImageError::Argument {
            what: "the backing image",
            value: self.to_string(),
            rule: "an overlay has to build on a file",
        })?;
        absolute(path)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => path.display().fmt(f),
            Place::NbdUnix { socket, export } => {
                write!(f, "export {export:?} of {}", socket.display())
            }
            Place::NbdTcp { host, port, export } => write!(f, "export {export:?} of {host}:{port}"),
        }
    }
}

/// Makes a path absolute: tools run in another directory, and a leading `-` or `nbd:` loses its meaning.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, ImageError> {
    std::path::absolute(path).map_err(|source| ImageError::file("find", path, source))
}

fn file_driver(path: &Path) -> &'static str {
    let device = fs::metadata(path).is_ok_and(|meta| meta.file_type().is_block_device());
    if device { "host_device" } else { "file" }
}

pub(super) fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A list `key=value,key=value`. A comma in a value is doubled, which is how QEMU reads a plain comma.
#[derive(Debug, Default)]
pub(super) struct Options(Vec<u8>);

impl Options {
    pub(super) fn put(&mut self, key: &str, value: impl AsRef<OsStr>) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b'=');
        for &byte in value.as_ref().as_bytes() {
            if byte == b',' {
                self.0.push(b',');
            }
            self.0.push(byte);
        }
    }

    pub(super) fn maybe(&mut self, key: &str, value: Option<impl AsRef<OsStr>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    pub(super) fn finish(self) -> OsString {
        OsString::from_vec(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_name_becomes_an_option() {
        let image = ImageRef::file("/d/a,read-only=on, b=c\n.qcow2", DriveFormat::Qcow2);
        let options = image.options(None).unwrap();
        assert_eq!(
            options,
            "driver=qcow2,file.driver=file,file.filename=/d/a,,read-only=on,, b=c\n.qcow2"
        );
        let bytes = OsStr::from_bytes(b"/d/\xff,");
        let options = ImageRef::file(bytes, DriveFormat::Raw)
            .options(None)
            .unwrap();
        assert!(options.as_bytes().ends_with(b"file.filename=/d/\xff,,"));
    }

    #[test]
    fn relative_names_lose_their_other_meanings() {
        for name in ["-n", "nbd:evil:1", "json:{}"] {
            let image = ImageRef::file(name, DriveFormat::Raw);
            let options = image.options(None).unwrap().into_string().unwrap();
            let here = std::env::current_dir().unwrap();
            assert!(options.ends_with(&format!("filename={}/{name}", here.display())));
            assert!(image.backing_name().unwrap().is_absolute());
        }
    }

    #[test]
    fn exports_secrets_and_modes_are_written_out() {
        let place = Place::NbdUnix {
            socket: "/run/a,b".into(),
            export: "x,y".into(),
        };
        let image = ImageRef {
            cache: Some(Cache::None),
            ..ImageRef::new(place, DriveFormat::Luks).shared()
        };
        assert_eq!(
            image.options(Some("sec0")).unwrap(),
            "driver=luks,file.driver=nbd,file.server.type=unix,file.server.path=/run/a,,b,file.export=x,,y,\
             key-secret=sec0,read-only=on,force-share=on,cache.direct=on,cache.no-flush=off"
        );
        let refused = image.backing_name().unwrap_err().to_string();
        assert!(refused.contains("has to build on a file"), "{refused}");
        let secret = Secret::new("hush");
        assert!(!format!("{:?}", image.with_secret(secret)).contains("hush"));
    }
}
