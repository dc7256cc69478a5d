//! Bytes to text.

use super::mistake::Mistake;

/// The first byte that is no UTF-8, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Faulty {
    byte: u8,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// The line, as far as it is text.
    text: String,
}

impl Faulty {
    pub(crate) fn message(&self) -> String {
        format!("byte 0x{:02x} is not UTF-8", self.byte)
    }

    /// The mistake in the text of this name.
    pub(crate) fn mistake<'a>(&'a self, name: &'a str) -> Mistake<'a> {
        Mistake {
            message: self.message(),
            name,
            line: self.line,
            text: &self.text,
            at: (self.column - 1, 1),
            help: Some("a configuration is UTF-8; `iconv -t UTF-8` converts other text".to_owned()),
        }
    }
}

/// The text that the bytes are.
///
/// # Errors
/// Some of them are no UTF-8.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Faulty> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        // The engine's lines: `\n`, `\r\n` and `\r` end one.
        let ends = |at: &usize| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let start = (0..at).rev().find(ends).map_or(0, |end| end + 1);
        let rest = &bytes[start..];
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        Faulty {
            byte: bytes[at],
            line: (0..at).filter(ends).count() + 1,
            column: String::from_utf8_lossy(&bytes[start..at]).chars().count() + 1,
            text: String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())]).into_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_none_is_found() {
        assert_eq!(decode("é\n".into()), Ok("é\n".to_owned()));
        let faulty = decode(b"a\r\nb\r\xc3\xa9 = x\xe9y\nc\xff".to_vec()).expect_err("no UTF-8");
        assert_eq!((faulty.line, faulty.column, faulty.byte), (3, 6, 0xe9));
        assert_eq!(faulty.text, "é = x\u{fffd}y");
        let first = decode(b"\xff".to_vec()).expect_err("no UTF-8");
        assert_eq!((first.line, first.column), (1, 1));
    }
}
