//! Whose signatures the operator trusts.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use ssh_key::{Algorithm, HashAlg, PublicKey};

use super::signature::verify;
use super::{MAX_SIGNATURE_SIZE, Pack, PackError, SignatureError};

/// Whose signatures the operator trusts, and whether a pack must have one.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    keys: Vec<PublicKey>,
    required: bool,
}

/// A signature that matches its pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The fingerprint of the key, as `ssh-keygen -l` prints it.
    pub key: String,
    /// Whether the key is one of the operator's trusted ones.
    pub trusted: bool,
    /// The comment of the trusted key: the operator's own words for whose it is.
    pub owner: Option<String>,
    /// Whether the signature lies beside the pack, not in it.
    pub detached: bool,
}

impl Trust {
    /// Trust in keys, each a line as in a `.pub` file: `ssh-ed25519 AAAA... who@where`.
    ///
    /// # Errors
    /// [`SignatureError`] for a line that is no ed25519 key.
    pub fn new<S: AsRef<str>>(
        keys: impl IntoIterator<Item = S>,
        required: bool,
    ) -> Result<Self, SignatureError> {
        let keys = keys
            .into_iter()
            .map(|line| public_key(line.as_ref(), "the trusted key"))
            .collect::<Result<_, _>>()?;
        Ok(Self { keys, required })
    }

    /// Trusts every key of a file, too: one on a line; empty lines and ones that begin with `#` are left out.
    ///
    /// # Errors
    /// [`SignatureError`] if it cannot be read, or for a line that is no ed25519 key.
    pub fn add_file(&mut self, path: &Path) -> Result<(), SignatureError> {
        let text = std::fs::read_to_string(path).map_err(|source| SignatureError::Io {
            path: path.to_owned(),
            source,
        })?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let place = format!("{}:{}", path.display(), number + 1);
                self.keys.push(public_key(line, &place)?);
            }
        }
        Ok(())
    }

    /// Whether a pack must be signed by a trusted key.
    pub fn is_required(&self) -> bool {
        self.required
    }
}

fn public_key(line: &str, place: &str) -> Result<PublicKey, SignatureError> {
    let key = PublicKey::from_openssh(line.trim()).map_err(|source| SignatureError::Key {
        place: place.to_owned(),
        source,
    })?;
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(SignatureError::Kind {
            place: place.to_owned(),
            kind: key.algorithm().to_string(),
        });
    }
    Ok(key)
}

impl Pack {
    /// The signature of this pack, in it or beside it in `<pack>.sig`; none if it is not signed. The one in it comes
    /// first. That it matches says nothing about whose it is: [`Signature::trusted`] does.
    ///
    /// # Errors
    /// [`SignatureError`] if there is one that cannot be read or does not match.
    pub fn signature(&self, trust: &Trust) -> Result<Option<Signature>, SignatureError> {
        let embedded = self
            .places
            .signature
            .clone()
            .map(|range| self.bytes[range].to_vec());
        let detached = embedded.is_none();
        let text = match embedded {
            Some(text) => text,
            None => match read_detached(&detached_path(&self.path))? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        let key = verify(self, &text)?;
        let known = trust
            .keys
            .iter()
            .find(|known| known.key_data() == key.key_data());
        Ok(Some(Signature {
            key: key.fingerprint(HashAlg::Sha256).to_string(),
            trusted: known.is_some(),
            owner: known
                .map(|known| known.comment().to_string())
                .filter(|comment| !comment.is_empty()),
            detached,
        }))
    }

    /// Whether the operator's rules let this pack in: a signature that does not match is always refused; where a signature
    /// is required, so is a pack without one, and one that is signed by a key that is not trusted.
    ///
    /// # Errors
    /// [`PackError::Signature`] says why not.
    pub fn admit(&self, trust: &Trust) -> Result<(), PackError> {
        let refusal = match self.signature(trust)? {
            _ if !trust.required => return Ok(()),
            Some(signature) if signature.trusted => return Ok(()),
            Some(signature) => SignatureError::Untrusted {
                path: self.path.clone(),
                key: signature.key,
            },
            None => SignatureError::Unsigned {
                path: self.path.clone(),
            },
        };
        Err(refusal.into())
    }
}

/// Where a signature lies beside its pack.
pub(crate) fn detached_path(pack: &Path) -> PathBuf {
    pack.with_added_extension("sig")
}

fn read_detached(path: &Path) -> Result<Option<Vec<u8>>, SignatureError> {
    let wrong = |source| SignatureError::Io {
        path: path.to_owned(),
        source,
    };
    // To open a pipe or a terminal would wait for somebody who writes to it.
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(wrong(io::Error::other("it is no regular file"))),
        Err(error) => return Err(wrong(error)),
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    let mut text = Vec::new();
    file.take(MAX_SIGNATURE_SIZE as u64)
        .read_to_end(&mut text)
        .map_err(wrong)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use ssh_key::private::Ed25519Keypair;

    use super::*;
    use crate::pack::{Component, PackSource, SigningKey, build, sign, sign_detached};

    /// A key, and its public half as a line.
    fn key(dir: &Path, seed: u8) -> (SigningKey, String) {
        let key = ssh_key::PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]));
        let path = dir.join(format!("key{seed}"));
        let text = key.to_openssh(ssh_key::LineEnding::LF).unwrap();
        std::fs::write(&path, text).unwrap();
        let read = SigningKey::read(&path, || unreachable!("it has no passphrase")).unwrap();
        (
            read,
            format!("{} owner {seed}", key.public_key().to_openssh().unwrap()),
        )
    }

    fn pack(dir: &Path) -> PathBuf {
        let path = dir.join("p.wasm");
        std::fs::write(&path, wasm_encoder::Component::new().finish()).unwrap();
        let source = PackSource {
            name: "p".to_owned(),
            version: "old".to_owned(),
            ..PackSource::default()
        };
        build(&Component::read(&path).unwrap(), source, &path).unwrap();
        path
    }

    fn refusal(path: &Path, trust: &Trust) -> String {
        Pack::open(path)
            .and_then(|pack| pack.admit(trust))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn where_a_signature_is_required_only_trusted_packs_get_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = pack(dir.path());
        let unsigned = std::fs::read(&path).unwrap();
        let ((ours, line), (theirs, _)) = (key(dir.path(), 1), key(dir.path(), 2));
        let strict = Trust::new([&line], true).unwrap();
        let lax = Trust::new([&line], false).unwrap();
        assert!(refusal(&path, &strict).contains("is not signed"));
        Pack::open(&path).unwrap().admit(&lax).unwrap();
        sign(&Pack::open(&path).unwrap(), &theirs).unwrap();
        assert!(refusal(&path, &strict).contains("which is not trusted"));
        Pack::open(&path).unwrap().admit(&lax).unwrap();
        sign(&Pack::open(&path).unwrap(), &ours).unwrap();
        let signed = Pack::open(&path).unwrap();
        signed.admit(&strict).unwrap();
        let signature = signed.signature(&strict).unwrap().unwrap();
        assert!(signature.trusted && !signature.detached);
        assert_eq!(signature.owner.as_deref(), Some("owner 1"));
        assert_eq!(
            signed
                .places
                .signed(&signed.bytes)
                .collect::<Vec<_>>()
                .concat(),
            unsigned,
            "without its signature it is the file from before"
        );
    }

    #[test]
    fn a_signature_of_something_else_is_refused_even_where_none_is_required() {
        let dir = tempfile::tempdir().unwrap();
        let path = pack(dir.path());
        let (key, line) = key(dir.path(), 1);
        let sig = sign_detached(&Pack::open(&path).unwrap(), &key).unwrap();
        let lax = Trust::new([&line], false).unwrap();
        Pack::open(&path).unwrap().admit(&lax).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(3).position(|three| three == b"old").unwrap();
        let mut changed = bytes.clone();
        changed[at..at + 3].copy_from_slice(b"new");
        std::fs::write(&path, changed).unwrap();
        Pack::open(&path).expect("the index says nothing of the version");
        assert!(refusal(&path, &lax).contains("does not match"));
        std::fs::write(&path, bytes).unwrap();
        std::fs::write(sig, "nonsense").unwrap();
        assert!(refusal(&path, &lax).contains("cannot be read"));
    }

    #[test]
    fn a_file_of_keys_is_read_line_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let (_, line) = key(dir.path(), 1);
        let file = dir.path().join("keys");
        std::fs::write(&file, format!("# the team\n\n{line}\nssh-ed25519 AAAA\n")).unwrap();
        let told = Trust::default().add_file(&file).unwrap_err().to_string();
        assert!(told.contains("keys:4 is no key"), "{told}");
        std::fs::write(&file, format!("# the team\n\n{line}\n")).unwrap();
        let mut trust = Trust::default();
        trust.add_file(&file).unwrap();
        assert_eq!(trust.keys.len(), 1);
    }
}
