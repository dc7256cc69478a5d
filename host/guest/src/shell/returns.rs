//! Carriage returns that a terminal has put before line feeds.

/// Takes a known number of carriage returns away in front of each line feed; a line that has fewer is left alone.
#[derive(Debug)]
pub(super) struct Returns {
    /// How many the terminal puts there.
    added: usize,
    /// How many are held back until it is known what follows.
    held: usize,
}

impl Returns {
    pub(super) fn new(added: usize) -> Self {
        Self { added, held: 0 }
    }

    /// The next piece of the output, clean.
    pub(super) fn clean(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if self.added == 0 {
            return bytes;
        }
        let mut clean = Vec::with_capacity(bytes.len() + self.held);
        for byte in bytes {
            if byte == b'\r' {
                self.held += 1;
                continue;
            }
            let keep = match self.held.checked_sub(self.added) {
                Some(keep) if byte == b'\n' => keep,
                _ => self.held,
            };
            clean.resize(clean.len() + keep, b'\r');
            clean.push(byte);
            self.held = 0;
        }
        clean
    }

    /// What was held back, at the end of the output.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        vec![b'\r'; std::mem::take(&mut self.held)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_undone() {
        for (added, dirty, clean) in [
            (0, "a\r\nb\r", "a\r\nb\r"),
            (1, "a\r\nb\r\r\nc\rd\n\r", "a\nb\r\nc\rd\n\r"),
            (2, "a\r\r\nb\r\n\r\r\r\n", "a\nb\r\n\r\n"),
        ] {
            let mut whole = Returns::new(added);
            let mut got = whole.clean(dirty.as_bytes().to_vec());
            got.extend(whole.rest());
            assert_eq!(got, clean.as_bytes());
            let mut pieces = Returns::new(added);
            let mut got: Vec<u8> = dirty.bytes().flat_map(|b| pieces.clean(vec![b])).collect();
            got.extend(pieces.rest());
            assert_eq!(got, clean.as_bytes());
        }
    }
}
