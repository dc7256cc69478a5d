//! The public key of a definition, in a place of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::SourceError;
use crate::pack::hex;

/// No file of a public key is larger than this many bytes.
const MAX_SIZE: usize = 1 << 20;
/// The beginnings of the lines of ssh public keys.
const SSH: [&str; 4] = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];

/// A public key, ready for checks.
#[derive(Debug)]
pub(crate) struct PublicKey {
    /// The SHA-256 of its file, in hexadecimal.
    pub(crate) sha256: String,
    /// Its fingerprint, as gpg or ssh shows it.
    pub(super) fingerprint: String,
    pub(super) form: Form,
    /// A keyring or a list of allowed signers, of this key alone.
    pub(super) home: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    OpenPgp,
    Ssh,
}

impl PublicKey {
    /// The SHA-256 of a key's file, in hexadecimal.
    pub(crate) fn digest(path: &Path) -> Result<String, SourceError> {
        let bytes = fs::read(path).map_err(SourceError::io("read", path))?;
        Ok(hex(&Sha256::digest(bytes)))
    }

    /// Reads the file of a public key.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let bytes = fs::read(path).map_err(SourceError::io("read", path))?;
        let no_key = || SourceError::NoKey {
            path: path.to_owned(),
        };
        if bytes.len() > MAX_SIZE {
            return Err(no_key());
        }
        let sha256 = hex(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes).map_err(|_| no_key())?;
        if text.contains("PRIVATE KEY") {
            return Err(SourceError::PrivateKey {
                path: path.to_owned(),
            });
        }
        let home = tempfile::Builder::new()
            .prefix("vthost-key-")
            .tempdir()
            .map_err(SourceError::io("make", &std::env::temp_dir()))?;
        let (form, fingerprint) = if text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
            (Form::OpenPgp, import(&text, path, home.path())?)
        } else {
            (Form::Ssh, allow(&text, path, home.path())?)
        };
        Ok(Self {
            sha256,
            fingerprint,
            form,
            home,
        })
    }
}

/// Makes a keyring of this key alone, and gives the fingerprint of its primary key.
fn import(text: &str, path: &Path, home: &Path) -> Result<String, SourceError> {
    let key = home.join("key.asc");
    let write =
        |file: &Path, text: &str| fs::write(file, text).map_err(SourceError::io("write", file));
    write(&key, text)?;
    // A signature may name a server to fetch its key from.
    write(
        &home.join("gpg.conf"),
        "no-auto-key-retrieve\nno-autostart\n",
    )?;
    let gpg = |args: &[&str]| {
        Command::new("gpg")
            .arg("--homedir")
            .arg(home)
            .args(["--batch", "--quiet", "--no-tty"])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| SourceError::Program {
                program: "gpg",
                source,
            })
    };
    let no_key = || SourceError::NoKey {
        path: path.to_owned(),
    };
    if !gpg(&["--import", &key.to_string_lossy()])?.status.success() {
        return Err(no_key());
    }
    let listed = gpg(&["--with-colons", "--list-keys"])?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let mut primary = Vec::new();
    let mut after_primary = false;
    for line in listed.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if fields[0] == "fpr" && after_primary {
            primary.extend(fields.get(9).map(|key| (*key).to_owned()));
        }
        after_primary = fields[0] == "pub";
    }
    one(primary, path)
}

/// Makes a list of allowed signers of this key alone, and gives its fingerprint as ssh shows it.
fn allow(text: &str, path: &Path, home: &Path) -> Result<String, SourceError> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let no_key = || SourceError::NoKey {
        path: path.to_owned(),
    };
    let mut keys = Vec::new();
    for line in lines {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some(kind), Some(key)) if SSH.iter().any(|start| kind.starts_with(start)) => {
                keys.push(format!("{kind} {key}"));
            }
            _ => return Err(no_key()),
        }
    }
    if keys.is_empty() {
        return Err(no_key());
    }
    let key = one(keys, path)?;
    let signers = home.join("signers");
    let file = home.join("key.pub");
    let write =
        |file: &Path, text: String| fs::write(file, text).map_err(SourceError::io("write", file));
    write(&signers, format!("vthost namespaces=\"git\" {key}\n"))?;
    write(&file, format!("{key}\n"))?;
    let output = Command::new("ssh-keygen")
        .args(["-l", "-E", "sha256", "-f"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| SourceError::Program {
            program: "ssh-keygen",
            source,
        })?;
    let listed = String::from_utf8_lossy(&output.stdout);
    match listed.split(' ').nth(1) {
        Some(fingerprint) if output.status.success() => Ok(fingerprint.to_owned()),
        _ => Err(no_key()),
    }
}

fn one(mut keys: Vec<String>, path: &Path) -> Result<String, SourceError> {
    let count = keys.len();
    match keys.pop() {
        Some(key) if count == 1 => Ok(key),
        _ => Err(SourceError::ManyKeys {
            path: path.to_owned(),
            count,
        }),
    }
}
