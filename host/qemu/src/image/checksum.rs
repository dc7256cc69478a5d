//! Checksums of files that tests need (`md5sum`, `md5sum_1m`, `sha1sum` of the guide).

use std::io::{self, Read};
use std::path::Path;

use sha1::Digest as _;
use sha2::Digest as _;

use super::cancel::{Cancelled, in_thread};
use super::{ImageError, qcow2};

/// What `md5sum_1m` is about.
const ONE_MIB: u64 = 1 << 20;

/// What is computed, and of which part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5 of the whole file.
    Md5,
    /// MD5 of its first MiB: quick for a large ISO image.
    Md5FirstMib,
    /// SHA-1 of the whole file.
    Sha1,
    /// SHA-256 of the whole file.
    Sha256,
}

impl Algorithm {
    /// The parameter that asks for it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Md5 => "md5sum",
            Self::Md5FirstMib => "md5sum_1m",
            Self::Sha1 => "sha1sum",
            Self::Sha256 => "sha256sum",
        }
    }

    /// Digits of its digests.
    fn digits(self) -> usize {
        match self {
            Self::Md5 | Self::Md5FirstMib => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }
}

/// Checks that a file has a checksum. Reading goes on in a thread of its own and ends soon after the future is dropped.
///
/// # Errors
/// [`ImageError::Argument`] if `expected` is no digest of that kind, [`ImageError::File`] if the file cannot be read,
/// [`ImageError::Checksum`] with both digests if they differ.
pub async fn verify(path: &Path, algorithm: Algorithm, expected: &str) -> Result<(), ImageError> {
    let expected = expected.trim().to_ascii_lowercase();
    let hexadecimal = expected.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal || expected.len() != algorithm.digits() {
        return Err(ImageError::Argument {
            what: algorithm.key(),
            value: expected,
            rule: match algorithm.digits() {
                32 => "it has to be 32 hexadecimal digits",
                40 => "it has to be 40 hexadecimal digits",
                _ => "it has to be 64 hexadecimal digits",
            },
        });
    }
    let found = compute(path, algorithm).await?;
    if found == expected {
        return Ok(());
    }
    Err(ImageError::Checksum {
        path: path.to_owned(),
        algorithm: algorithm.key(),
        expected,
        found,
    })
}

/// The checksum of a file, in lower-case hexadecimal digits.
///
/// # Errors
/// [`ImageError::File`].
pub async fn compute(path: &Path, algorithm: Algorithm) -> Result<String, ImageError> {
    let file = path.to_owned();
    in_thread("read", path, move |cancelled| {
        digest(&file, algorithm, cancelled)
    })
    .await
}

enum State {
    Md5(md5::Context),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

fn digest(path: &Path, algorithm: Algorithm, cancelled: &Cancelled) -> Result<String, ImageError> {
    let mut state = match algorithm {
        Algorithm::Md5 | Algorithm::Md5FirstMib => State::Md5(md5::Context::new()),
        Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
        Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
    };
    let limit = match algorithm {
        Algorithm::Md5FirstMib => ONE_MIB,
        _ => u64::MAX,
    };
    let mut from = qcow2::open(path)?.take(limit);
    let mut buffer = vec![0; 256 << 10];
    loop {
        cancelled
            .check()
            .map_err(|source| ImageError::file("read", path, source))?;
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(ImageError::file("read", path, source)),
        };
        match &mut state {
            State::Md5(md5) => md5.consume(read),
            State::Sha1(sha1) => sha1.update(read),
            State::Sha256(sha256) => sha256.update(read),
        }
    }
    Ok(match state {
        State::Md5(md5) => hexadecimal(&md5.finalize().0),
        State::Sha1(sha1) => hexadecimal(&sha1.finalize()),
        State::Sha256(sha256) => hexadecimal(&sha256.finalize()),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn digests_are_those_of_the_standards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // RFC 1321, RFC 3174, FIPS 180-4.
        let known = [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Md5FirstMib, "900150983CD24FB0D6963F7D28E17F72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ];
        for (algorithm, expected) in known {
            verify(&path, algorithm, expected).await.unwrap();
            let other = expected.replace(['9', 'a', 'A'], "0");
            let error = verify(&path, algorithm, &other).await.unwrap_err();
            let text = error.to_string();
            let found = expected.to_ascii_lowercase();
            assert!(
                text.contains(&found) && text.contains("abc has the"),
                "{text}"
            );
            assert!(text.contains(algorithm.key()), "{text}");
        }
        let error = verify(&path, Algorithm::Sha1, "12 34").await.unwrap_err();
        assert!(
            error.to_string().contains("40 hexadecimal digits"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn only_the_first_mib_counts_where_the_guide_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        let bytes: Vec<u8> = (0..3 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
        std::fs::write(&one, &bytes).unwrap();
        std::fs::write(&two, &bytes[..1 << 20]).unwrap();
        let first = compute(&one, Algorithm::Md5FirstMib).await.unwrap();
        assert_eq!(first, compute(&two, Algorithm::Md5).await.unwrap());
        assert_ne!(first, compute(&one, Algorithm::Md5).await.unwrap());
    }
}
