//! Options of image formats.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::reference::{Options, absolute, switch};
use super::tool::Call;
use super::{ImageError, Secret};
use crate::spec::DriveFormat;

/// Options of an image's format. What is `None` is left to QEMU; what the format does not have is refused by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateOptions {
    /// Bytes of a cluster (`image_cluster_size`).
    pub cluster_size: Option<u64>,
    /// What is allocated at once.
    pub preallocation: Option<Preallocation>,
    /// Delay updates of reference counts; after a crash the image has to be repaired.
    pub lazy_refcounts: Option<bool>,
    /// Version of qcow2.
    pub compat: Option<Compat>,
    /// Subclusters of qcow2.
    pub extended_l2: Option<bool>,
    /// Width of a reference count of qcow2: 1, 2, 4 ... 64.
    pub refcount_bits: Option<u8>,
    /// How compressed clusters are compressed.
    pub compression: Option<Compression>,
    /// Where the data go, if not into the image itself. An absolute path.
    pub data_file: Option<PathBuf>,
    /// Keep the external data file readable as a raw image.
    pub data_file_raw: Option<bool>,
    /// How much the file system should allocate at a time, in bytes.
    pub extent_size_hint: Option<u64>,
    /// Encrypt the image with LUKS (`luks` itself, or inside of `qcow2`).
    pub encryption: Option<Encryption>,
}

/// How an image is encrypted. Words are those of QEMU, such as `aes-256`; `None` leaves the choice to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The passphrase.
    pub secret: Secret,
    /// `image_cipher_alg`.
    pub cipher: Option<String>,
    /// `image_cipher_mode`.
    pub cipher_mode: Option<String>,
    /// `image_hash_alg`.
    pub hash: Option<String>,
    /// `image_ivgen_alg`.
    pub iv_generator: Option<String>,
    /// `image_ivgen_hash_alg`.
    pub iv_hash: Option<String>,
    /// How long the passphrase is hashed, in milliseconds (`image_iter_time`): time that each opening takes again.
    pub iteration_ms: Option<u32>,
}

impl Encryption {
    /// Encryption as QEMU chooses it.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self {
            secret,
            cipher: None,
            cipher_mode: None,
            hash: None,
            iv_generator: None,
            iv_hash: None,
            iteration_ms: None,
        }
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// QEMU's word for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What that word stands for.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What of an image is allocated when it is made.
    Preallocation {
        /// Nothing.
        Off = "off",
        /// The tables.
        Metadata = "metadata",
        /// All, without writing to it.
        Falloc = "falloc",
        /// All, by writing to it.
        Full = "full",
    }
}
words! {
    /// Version of qcow2.
    Compat {
        /// Version 2, for QEMU before 1.1.
        V2 = "0.10",
        /// Version 3.
        V3 = "1.1",
    }
}
words! {
    /// How compressed clusters are compressed.
    Compression {
        /// zlib.
        Zlib = "zlib",
        /// Zstandard.
        Zstd = "zstd",
    }
}

impl CreateOptions {
    /// The text after `-o`; empty if there is nothing to say. Files and secrets are noted in the call.
    pub(super) fn text(
        &self,
        format: DriveFormat,
        call: &mut Call<'_>,
    ) -> Result<OsString, ImageError> {
        let mut out = Options::default();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        out.maybe("cluster_size", number(self.cluster_size));
        out.maybe("preallocation", self.preallocation.map(Preallocation::name));
        out.maybe("lazy_refcounts", self.lazy_refcounts.map(switch));
        out.maybe("compat", self.compat.map(Compat::name));
        out.maybe("extended_l2", self.extended_l2.map(switch));
        out.maybe("refcount_bits", number(self.refcount_bits.map(u64::from)));
        out.maybe("compression_type", self.compression.map(Compression::name));
        out.maybe("extent_size_hint", number(self.extent_size_hint));
        if let Some(file) = &self.data_file {
            let file = absolute(file)?;
            call.files.written(&file);
            out.put("data_file", file);
        }
        out.maybe("data_file_raw", self.data_file_raw.map(switch));
        if let Some(encryption) = &self.encryption {
            let prefix = if format == DriveFormat::Luks {
                ""
            } else {
                out.put("encrypt.format", "luks");
                "encrypt."
            };
            let words = [
                ("cipher-alg", &encryption.cipher),
                ("cipher-mode", &encryption.cipher_mode),
                ("hash-alg", &encryption.hash),
                ("ivgen-alg", &encryption.iv_generator),
                ("ivgen-hash-alg", &encryption.iv_hash),
            ];
            for (key, word) in words {
                out.maybe(&format!("{prefix}{key}"), word.as_ref());
            }
            let time = number(encryption.iteration_ms.map(u64::from));
            out.maybe(&format!("{prefix}iter-time"), time);
            let id = call.secret(&encryption.secret)?;
            out.put(&format!("{prefix}key-secret"), id);
        }
        Ok(out.finish())
    }

    /// Adds `-o` if there is something to say.
    pub(super) fn add_to<'a>(
        &self,
        format: DriveFormat,
        mut call: Call<'a>,
    ) -> Result<Call<'a>, ImageError> {
        let text = self.text(format, &mut call)?;
        Ok(if text.is_empty() {
            call
        } else {
            call.value("-o", text)
        })
    }

    /// Makes the external data file, which a tool may then write to. One that exists is an error unless `replace`.
    pub(super) fn make_data_file(&self, replace: bool) -> Result<DataFile, ImageError> {
        let Some(file) = &self.data_file else {
            return Ok(DataFile(None));
        };
        match File::create_new(file) {
            Ok(_) => Ok(DataFile(Some(file.clone()))),
            Err(error) if replace && error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(DataFile(None))
            }
            Err(source) => Err(ImageError::file("create", file, source)),
        }
    }
}

/// An external data file that was made for an image. It is removed if the image does not come into being.
#[derive(Debug)]
pub(super) struct DataFile(Option<PathBuf>);

impl DataFile {
    /// The image is there.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            // Without its image it is of no use; a failure to remove it is not the news.
            let _ = fs::remove_file(file);
        }
    }
}
