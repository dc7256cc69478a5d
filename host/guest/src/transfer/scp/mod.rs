//! Copies by `scp` in the guest (`scp -t` and `scp -f`), for guests without sftp and for names that are no text.

mod download;
mod upload;

use super::channel::Program;
use super::error::{Result, TransferFault};
use super::names::shown;
use super::pattern::{Part, Pattern};

pub(crate) use download::download;
pub(crate) use upload::upload;

/// The longest line of the protocol: a name, a mode and a size; or a message.
const LONGEST_LINE: usize = 4096;

/// Takes the answer to what was sent last.
async fn acknowledged(program: &mut Program, operation: &'static str, path: &[u8]) -> Result<()> {
    match program.byte().await {
        Some(0) => Ok(()),
        Some(1 | 2) => {
            let reason = shown(&program.line(LONGEST_LINE).await?);
            Err(refused(operation, path, &reason))
        }
        Some(_) => Err(TransferFault::protocol("an answer that scp does not have")),
        None => Err(program.lost("scp ended before the copy did")),
    }
}

fn refused(operation: &'static str, path: &[u8], reason: &str) -> TransferFault {
    TransferFault::Refused {
        operation,
        path: shown(path),
        reason: reason.strip_prefix("scp: ").unwrap_or(reason).to_owned(),
    }
}

/// A path as one word of a POSIX shell, never an option and never expanded.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut word = Vec::with_capacity(path.len() + 4);
    if path.first().is_some_and(|first| *first != b'/') {
        word.extend_from_slice(b"./");
    }
    append_quoted(&mut word, path);
    word
}

fn append_quoted(word: &mut Vec<u8>, bytes: &[u8]) {
    word.push(b'\'');
    for byte in bytes {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
}

/// A pattern as a word that a POSIX shell expands: everything but the wildcards is quoted.
fn unquoted_wildcards(remote: &[u8], pattern: &Pattern) -> Vec<u8> {
    let mut word = pattern.root.to_vec();
    let components = remote.split(|b| *b == b'/').filter(|c| !c.is_empty());
    for (component, part) in components.zip(&pattern.parts) {
        if !word.ends_with(b"/") {
            word.push(b'/');
        }
        match part {
            Part::Plain(name) => append_quoted(&mut word, name),
            Part::Wild(_) => {
                for byte in component {
                    match byte {
                        b'*' | b'?' | b'[' | b']' | b'!' | b'^' | b'-' => word.push(*byte),
                        byte => append_quoted(&mut word, &[*byte]),
                    }
                }
            }
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::pattern::parse;

    #[test]
    fn words() {
        assert_eq!(quoted(b"/a b"), b"'/a b'");
        assert_eq!(quoted(b"-rf"), b"./'-rf'");
        assert_eq!(quoted(b"it's $(x)"), b"./'it'\\''s $(x)'");
        let word = |path: &[u8]| unquoted_wildcards(path, &parse(path).unwrap().unwrap());
        assert_eq!(word(b"/a b/*.t"), b"/'a b'/*'.''t'");
        assert_eq!(word(b"x/[a-c]?;"), b"./'x'/['a'-'c']?';'");
    }
}
