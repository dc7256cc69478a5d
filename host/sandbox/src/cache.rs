//! Compiled components on disk.
//!
//! A compiled component is native code that is mapped and run as it is, so the directory is as trusted as the
//! program itself: it is made for its owner alone (mode 0700), and one that others can write to is not used.

use std::fs::{DirBuilder, Permissions};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::SandboxError;

/// The directory, and what of the engine goes into the name of every file.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
    engine: String,
}

impl Cache {
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Result<Self, SandboxError> {
        let failed = |source| SandboxError::Cache {
            path: dir.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(failed)?;
        let meta = std::fs::metadata(dir).map_err(failed)?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(failed(io::Error::other("it belongs to another user")));
        }
        if meta.mode() & 0o077 != 0 {
            std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        let mut hasher = DigestHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let digest = hasher.0.finalize();
        Ok(Self {
            dir: dir.to_owned(),
            engine: digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, code_digest: &str) -> PathBuf {
        self.dir
            .join(format!("{}-{code_digest}.cwasm", self.engine))
    }

    /// The compiled component of this code, if it is there and whole.
    pub(crate) fn load(&self, engine: &Engine, code_digest: &str) -> Option<Component> {
        let path = self.path(code_digest);
        if !path.is_file() {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "wasmtime loads native code only through an unsafe call"
        )]
        // SAFETY: the directory is ours alone (checked in `open`), and files in it are written by `store` only,
        // under a name that holds the compatibility hash of this engine.
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "a cached component is damaged; compiling it again"))
            .ok()
    }

    /// Keeps a compiled component. A cache that cannot be written costs time, not results.
    pub(crate) fn store(&self, code_digest: &str, component: &Component) {
        let kept = component
            .serialize()
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(|code| {
                use io::Write;
                let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
                file.write_all(&code)?;
                file.persist(self.path(code_digest))
                    .map_err(|error| error.error)?;
                Ok(())
            });
        if let Err(error) = kept {
            tracing::warn!(%error, "a compiled component could not be kept");
        }
    }
}

/// A hasher whose result is the same on every run and every version of Rust.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
