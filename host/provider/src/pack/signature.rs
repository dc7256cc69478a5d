//! Signing packs, in the way of OpenSSH: the format SSHSIG with ed25519 keys, so that everyone has a key already, and
//! `ssh-keygen -Y verify` can check what vthost made.
//!
//! What is signed are the bytes of the file without its section `vthost:signature`. A pack that was not signed yet is
//! signed as it is; removing the signature gives back that very file. Manifest, configuration, auxiliary files and code
//! are all in it, and so is their order.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256, Sha512};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig};

use super::trust::detached_path;
use super::write::{append, write_whole};
use super::{Pack, PackError, SIGNATURE_SECTION};

/// The namespace of signatures of packs: a signature that was made for anything else is none for a pack.
pub const NAMESPACE: &str = "vthost-pack";

/// What is wrong with a signature, or with a key.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A signature is required, and there is none.
    #[error("{} is not signed, and the settings require a signature; its author signs it with `vthost pack sign`", .path.display())]
    Unsigned {
        /// The pack.
        path: PathBuf,
    },
    /// The key that signed it is not trusted.
    #[error("{} is signed by the key {key}, which is not trusted; if you know whose key it is, add its public half to the trusted keys", .path.display())]
    Untrusted {
        /// The pack.
        path: PathBuf,
        /// The fingerprint of the key.
        key: String,
    },
    /// The signature is not one of this file.
    #[error("the signature of {} does not match: the pack was changed after the key {key} signed it, or the signature is of something else", .path.display())]
    Mismatch {
        /// The pack.
        path: PathBuf,
        /// The fingerprint of the key.
        key: String,
    },
    /// The signature is none for packs.
    #[error("the signature of {} was made for `{}`, not for `{NAMESPACE}`", .path.display(), .namespace.escape_default())]
    Namespace {
        /// The pack.
        path: PathBuf,
        /// What it was made for.
        namespace: String,
    },
    /// The signature cannot be read.
    #[error("the signature of {} cannot be read", .path.display())]
    Unreadable {
        /// The pack.
        path: PathBuf,
        /// Why.
        source: ssh_key::Error,
    },
    /// A key cannot be read.
    #[error("{place} is no key in the format of OpenSSH")]
    Key {
        /// The file, or the file and the line.
        place: String,
        /// Why.
        source: ssh_key::Error,
    },
    /// A file of keys or a signature cannot be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is of another kind.
    #[error(
        "{place} is a key of the kind {kind}; packs are signed by ed25519 keys (`ssh-keygen -t ed25519` makes one)"
    )]
    Kind {
        /// The file, or the file and the line.
        place: String,
        /// Its kind.
        kind: String,
    },
    /// The passphrase of a key is missing or wrong.
    #[error("the key {} does not open with this passphrase", .path.display())]
    Passphrase {
        /// The key.
        path: PathBuf,
        /// Why.
        source: ssh_key::Error,
    },
    /// Nobody gave the passphrase.
    #[error("the key {} has a passphrase, and there is none: set VTHOST_KEY_PASSPHRASE, or call vthost from a terminal", .path.display())]
    NoPassphrase {
        /// The key.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key does not sign.
    #[error("the key {} does not sign", .path.display())]
    Sign {
        /// The key.
        path: PathBuf,
        /// Why.
        source: ssh_key::Error,
    },
}

/// A private key that signs packs.
#[derive(Debug)]
pub struct SigningKey {
    path: PathBuf,
    key: PrivateKey,
}

impl SigningKey {
    /// Reads an ed25519 key from a file of OpenSSH's; `passphrase` is asked if it has one.
    ///
    /// # Errors
    /// [`SignatureError`] if it cannot be read, is of another kind, or does not open.
    pub fn read(
        path: &Path,
        passphrase: impl FnOnce() -> std::io::Result<String>,
    ) -> Result<Self, SignatureError> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SignatureError::Io {
            path: path.to_owned(),
            source,
        })?;
        let mut key = PrivateKey::from_openssh(text).map_err(|source| SignatureError::Key {
            place: place.clone(),
            source,
        })?;
        let kind = key.public_key().algorithm();
        if kind != Algorithm::Ed25519 {
            return Err(SignatureError::Kind {
                place,
                kind: kind.to_string(),
            });
        }
        if key.is_encrypted() {
            let given = passphrase().map_err(|source| SignatureError::NoPassphrase {
                path: path.to_owned(),
                source,
            })?;
            key = key
                .decrypt(given)
                .map_err(|source| SignatureError::Passphrase {
                    path: path.to_owned(),
                    source,
                })?;
        }
        Ok(Self {
            path: path.to_owned(),
            key,
        })
    }

    /// The fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    fn sign(&self, pack: &Pack) -> Result<String, SignatureError> {
        let wrong = |source| SignatureError::Sign {
            path: self.path.clone(),
            source,
        };
        self.key
            .sign_prehash(
                NAMESPACE,
                HashAlg::Sha512,
                &signed_digest(pack, HashAlg::Sha512),
            )
            .and_then(|signature| signature.to_pem(LineEnding::LF))
            .map_err(wrong)
    }
}

/// Signs a pack and writes the signature into it, as its last section. An earlier signature is replaced.
///
/// # Errors
/// [`PackError`] if the key does not sign, or the pack cannot be written.
pub fn sign(pack: &Pack, key: &SigningKey) -> Result<(), PackError> {
    let text = key.sign(pack)?;
    let mut bytes: Vec<u8> = pack.places.signed(&pack.bytes).collect::<Vec<_>>().concat();
    append(&mut bytes, SIGNATURE_SECTION, text.as_bytes());
    write_whole(&pack.path, &bytes)
}

/// Signs a pack and writes the signature beside it, to `<pack>.sig`; the pack stays as it is. Gives the path of the
/// signature.
///
/// # Errors
/// As [`sign`].
pub fn sign_detached(pack: &Pack, key: &SigningKey) -> Result<PathBuf, PackError> {
    let text = key.sign(pack)?;
    let path = detached_path(&pack.path);
    write_whole(&path, text.as_bytes())?;
    Ok(path)
}

/// The digest of what is signed.
fn signed_digest(pack: &Pack, hash: HashAlg) -> Vec<u8> {
    fn digest<D: Digest>(pack: &Pack) -> Vec<u8> {
        let mut digest = D::new();
        let signed = pack.places.signed(&pack.bytes);
        signed.for_each(|piece| digest.update(piece));
        digest.finalize().to_vec()
    }
    match hash {
        HashAlg::Sha256 => digest::<Sha256>(pack),
        // The library knows these two; one that it learns later does not fit in length, and is refused by that.
        _ => digest::<Sha512>(pack),
    }
}

/// Whether a signature is one of this pack; gives the key that signed it.
pub(super) fn verify(pack: &Pack, text: &[u8]) -> Result<ssh_key::PublicKey, SignatureError> {
    let path = &pack.path;
    let signature = SshSig::from_pem(text).map_err(|source| SignatureError::Unreadable {
        path: path.clone(),
        source,
    })?;
    let key = ssh_key::PublicKey::new(signature.public_key().clone(), "");
    if signature.namespace() != NAMESPACE {
        return Err(SignatureError::Namespace {
            path: path.clone(),
            namespace: signature.namespace().to_owned(),
        });
    }
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(SignatureError::Kind {
            place: format!("the signature of {}", path.display()),
            kind: key.algorithm().to_string(),
        });
    }
    let digest = signed_digest(pack, signature.hash_alg());
    match key.verify_prehash(NAMESPACE, &digest, &signature) {
        Ok(()) => Ok(key),
        Err(_) => Err(SignatureError::Mismatch {
            path: path.clone(),
            key: key.fingerprint(HashAlg::Sha256).to_string(),
        }),
    }
}
