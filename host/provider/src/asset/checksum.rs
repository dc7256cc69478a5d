//! Digests: what a file must be, and what it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha1::Digest as _;
use sha2::Digest as _;

use crate::pack::hex;

/// An algorithm for digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-1: it finds damage. Two files with one digest can be made on purpose.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    const fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        })
    }
}

/// A digest, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// The digits.
    pub hex: String,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.hex)
    }
}

impl Digest {
    /// The digest with these digits, if they are as many as the algorithm has.
    pub(super) fn new(algorithm: Algorithm, digits: &str) -> Option<Self> {
        let fits = digits.len() == algorithm.digits()
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        fits.then(|| Self {
            algorithm,
            hex: digits.to_ascii_lowercase(),
        })
    }

    /// The digest of a file. Blocks while the whole file is read.
    pub(super) fn of_file(algorithm: Algorithm, path: &Path) -> io::Result<Self> {
        let mut sha1 = sha1::Sha1::new();
        let mut sha256 = sha2::Sha256::new();
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            match algorithm {
                Algorithm::Sha1 => sha1.update(&buffer[..read]),
                Algorithm::Sha256 => sha256.update(&buffer[..read]),
            }
        }
        let hex = match algorithm {
            Algorithm::Sha1 => hex(&sha1.finalize()),
            Algorithm::Sha256 => hex(&sha256.finalize()),
        };
        Ok(Self { algorithm, hex })
    }

    /// Finds the digest of `file` in a file of checksums: `DIGITS  NAME` a line, `SHA1 (NAME) = DIGITS` a line, or
    /// digits alone. A list with one entry only is about the file whatever name it gives.
    pub(super) fn find(algorithm: Algorithm, list: &str, file: &str) -> Option<Self> {
        let mut entries: Vec<(Option<&str>, Self)> = Vec::new();
        for line in list.lines().map(str::trim) {
            let (digits, name) = match line.split_once(" = ") {
                Some((left, digits)) => (
                    digits,
                    left.split_once('(')
                        .and_then(|(_, name)| name.strip_suffix(')')),
                ),
                None => match line.split_once(char::is_whitespace) {
                    Some((digits, name)) => {
                        (digits, Some(name.trim_start_matches([' ', '\t', '*'])))
                    }
                    None => (line, None),
                },
            };
            if let Some(digest) = Self::new(algorithm, digits.trim()) {
                entries.push((name, digest));
            }
        }
        let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let named = entries
            .iter()
            .position(|(name, _)| name.is_some_and(|name| base(name) == file));
        match named {
            Some(index) => Some(entries.swap_remove(index).1),
            None if entries.len() == 1 => entries.pop().map(|(_, digest)| digest),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of `abc`, from the standards.
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_are_those_of_the_standards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        for (algorithm, digits) in [(Algorithm::Sha1, SHA1), (Algorithm::Sha256, SHA256)] {
            let digest = Digest::of_file(algorithm, &path).unwrap();
            assert_eq!(Digest::new(algorithm, &digits.to_uppercase()), Some(digest));
        }
        assert_eq!(Digest::new(Algorithm::Sha1, SHA256), None);
    }

    #[test]
    fn lists_of_checksums_are_read() {
        let other = "0".repeat(40);
        let found =
            |list: &str| Digest::find(Algorithm::Sha1, list, "a.xz").map(|digest| digest.hex);
        for list in [
            SHA1.to_owned(),
            format!("{SHA1}  other-name.xz\n"),
            format!("{other}  b.xz\n{SHA1} *dir/a.xz\n"),
            format!("SHA1 (b.xz) = {other}\nSHA1 (a.xz) = {SHA1}\n"),
        ] {
            assert_eq!(found(&list).as_deref(), Some(SHA1), "{list}");
        }
        assert_eq!(found(&format!("{other}  b.xz\n{SHA1}  c.xz\n")), None);
        assert_eq!(found("<html>not found</html>"), None);
    }
}
