//! Signatures of tags and commits, checked against exactly one key.
//!
//! The keyring and the trust of whoever runs vthost play no part: the key of the definition is put into a place of its
//! own that is made for one check.

use std::path::{Path, PathBuf};

use super::key::Form;
use super::{Git, PublicKey, SourceError};
use crate::definition::Protocol;

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// An annotated tag.
    Tag(&'a str),
    /// A commit.
    Commit(&'a str),
}

impl PublicKey {
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
