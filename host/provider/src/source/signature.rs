//! Signatures of tags and commits, checked against exactly one key.
//!
//! The keyring and the trust of whoever runs vthost play no part: the key of the definition is put into a place of its
//! own that is made for one check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{Git, SourceError};
use crate::definition::Protocol;
use crate::pack::hex;

/// No file of a public key is larger than this many bytes.
const MAX_SIZE: usize = 1 << 20;
/// The beginnings of the lines of ssh public keys.
const SSH: [&str; 4] = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// An annotated tag.
    Tag(&'a str),
    /// A commit.
    Commit(&'a str),
}

/// A public key, ready for checks.
#[derive(Debug)]
pub(crate) struct PublicKey {
    /// The SHA-256 of its file, in hexadecimal.
    pub(crate) sha256: String,
    fingerprint: String,
    form: Form,
    /// A keyring or a list of allowed signers, of this key alone.
    home: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
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

    /// Checks that this key signed the tag or the commit in `repository`, and gives the key's fingerprint.
    pub(crate) fn verify(
        &self,
        repository: &Path,
        signed: Signed<'_>,
    ) -> Result<String, SourceError> {
        let (verb, name) = match signed {
            Signed::Tag(tag) => {
                self.is_of_that_name(repository, tag)?;
                ("verify-tag", format!("refs/tags/{tag}"))
            }
            Signed::Commit(commit) => ("verify-commit", commit.to_owned()),
        };
        let signers = match self.form {
            Form::Ssh => self.home.path().join("signers"),
            Form::OpenPgp => PathBuf::from("/dev/null"),
        };
        let output = Git::new(repository, Protocol::File)
            .env("GNUPGHOME", self.home.path())
            .setting("gpg.program=gpg")
            .setting("gpg.openpgp.program=gpg")
            .setting("gpg.x509.program=false")
            .setting("gpg.ssh.program=ssh-keygen")
            .setting("gpg.minTrustLevel=undefined")
            .setting(format!("gpg.ssh.allowedSignersFile={}", signers.display()))
            .args(&[verb, "--raw", &name])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let trusted = match self.form {
            Form::OpenPgp => self.is_good_openpgp(&said),
            Form::Ssh => self.is_good_ssh(&said),
        };
        match (trusted, output.status.success()) {
            (Ok(()), true) => Ok(self.fingerprint.clone()),
            (Ok(()), false) => Err(refused(signed, "git does not accept the signature")),
            (Err(why), _) => Err(refused(signed, &why)),
        }
    }

    /// Only an annotated tag can be signed; and one that was signed under another name was meant for something else.
    fn is_of_that_name(&self, repository: &Path, tag: &str) -> Result<(), SourceError> {
        let text = Git::new(repository, Protocol::File)
            .args(&["for-each-ref", "--format=%(objecttype) %(tag)"])
            .args(&[&format!("refs/tags/{tag}")])
            .run(format!("read the tag {tag}"))?;
        match text.trim().split_once(' ') {
            Some(("tag", name)) if name == tag => Ok(()),
            Some(("tag", name)) => {
                let why = format!("it was signed as the tag `{}`", name.escape_default());
                Err(refused(Signed::Tag(tag), &why))
            }
            _ => Err(refused(
                Signed::Tag(tag),
                "it is not signed: it is a lightweight tag",
            )),
        }
    }

    /// Reads the status lines of gpg.
    fn is_good_openpgp(&self, said: &str) -> Result<(), String> {
        let status = |word: &str| {
            said.lines()
                .filter_map(|line| line.strip_prefix("[GNUPG:] "))
                .filter_map(|line| line.strip_prefix(word))
                .map(str::trim)
                .next()
        };
        for (word, why) in [
            ("BADSIG", "its signature does not fit its content"),
            ("EXPKEYSIG", "the key that signed it has expired"),
            ("EXPSIG", "its signature has expired"),
            ("REVKEYSIG", "the key that signed it was revoked"),
        ] {
            if status(word).is_some() {
                return Err(why.to_owned());
            }
        }
        if let Some(other) = status("NO_PUBKEY").or_else(|| status("ERRSIG")) {
            let other = other.split(' ').next().unwrap_or_default();
            return Err(self.by_another(other));
        }
        // Its last field is the primary key: a subkey may have signed.
        match status("VALIDSIG").map(|fields| fields.rsplit(' ').next().unwrap_or_default()) {
            Some(key) if key == self.fingerprint && status("GOODSIG").is_some() => Ok(()),
            Some(other) => Err(self.by_another(other)),
            None => Err(self.not_signed(said)),
        }
    }

    fn is_good_ssh(&self, said: &str) -> Result<(), String> {
        let key = |line: &str| line.rsplit(' ').next().map(str::to_owned);
        let good = said
            .lines()
            .find(|line| line.starts_with("Good \"git\" signature"))
            .and_then(key);
        match good {
            Some(key) if key == self.fingerprint => Ok(()),
            Some(other) => Err(self.by_another(&other)),
            None if said.contains("No principal matched") => Err(self.by_another("another key")),
            None => Err(self.not_signed(said)),
        }
    }

    fn by_another(&self, other: &str) -> String {
        format!("it was signed by {other}, and not by {}", self.fingerprint)
    }

    fn not_signed(&self, said: &str) -> String {
        let said = said
            .lines()
            .filter(|line| !line.starts_with("[GNUPG:]"))
            .find_map(|line| line.strip_prefix("error: ").or(Some(line)))
            .unwrap_or("")
            .trim();
        match said {
            "" | "no signature found" => format!("it is not signed by {}", self.fingerprint),
            said => format!("it has no good signature by {}: {said}", self.fingerprint),
        }
    }
}

fn refused(signed: Signed<'_>, why: &str) -> SourceError {
    SourceError::Signature {
        what: match signed {
            Signed::Tag(tag) => format!("the tag `{tag}`"),
            Signed::Commit(commit) => format!("the commit {commit}"),
        },
        why: why.to_owned(),
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
