//! Finds where the output of a job ends in one of its two streams.

/// Longer than what stands between the beginning of an end and its end.
const LONGEST_STATUS: usize = 16;

/// Looks for the end in a stream that comes in pieces.
pub(super) struct Scanner {
    /// How the end begins; its status and an `@` follow.
    begin: Vec<u8>,
    /// What may be the beginning of the end.
    held: Vec<u8>,
    status: Option<i32>,
}

impl Scanner {
    pub(super) fn new(begin: &str) -> Self {
        Self {
            begin: begin.as_bytes().to_vec(),
            held: Vec::new(),
            status: None,
        }
    }

    /// The status, once the end was found.
    pub(super) fn status(&self) -> Option<i32> {
        self.status
    }

    /// Takes the next piece and gives what is output for sure. What comes behind the end is of children in the background and
    /// not the job's.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.status.is_some() {
            return Vec::new();
        }
        let mut output = std::mem::take(&mut self.held);
        output.extend_from_slice(bytes);
        let place = output
            .windows(self.begin.len())
            .position(|window| window == self.begin);
        let cut = match place {
            Some(start) => {
                let rest = &output[start + self.begin.len()..];
                match rest.iter().position(|b| *b == b'@') {
                    Some(end) => {
                        self.status = Some(number(&rest[..end]));
                        output.truncate(start);
                        return output;
                    }
                    None if rest.len() <= LONGEST_STATUS => start,
                    None => output.len(),
                }
            }
            None => (1..self.begin.len())
                .rev()
                .find(|count| output.ends_with(&self.begin[..*count]))
                .map_or(output.len(), |count| output.len() - count),
        };
        self.held = output.split_off(cut);
        output
    }

    /// What was held back, when the stream ends without an end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

fn number(digits: &[u8]) -> i32 {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "@vtd:0123456789abcdef:";

    #[test]
    fn the_end_is_found_however_it_is_cut() {
        let stream = format!("out @vtd:0@ put@{BEGIN}13@more");
        for cut in 0..stream.len() {
            let mut scanner = Scanner::new(BEGIN);
            let mut output = scanner.feed(&stream.as_bytes()[..cut]);
            output.extend(scanner.feed(&stream.as_bytes()[cut..]));
            assert_eq!(scanner.status(), Some(13), "{cut}");
            assert_eq!(output, b"out @vtd:0@ put@", "{cut}");
        }
    }

    #[test]
    fn nothing_is_lost_without_an_end() {
        for stream in [
            "",
            "@",
            "out@vtd:0123",
            &format!("{BEGIN}1"),
            &format!("{BEGIN}{}", "1".repeat(50)),
        ] {
            let mut scanner = Scanner::new(BEGIN);
            let mut output: Vec<u8> = stream.bytes().flat_map(|b| scanner.feed(&[b])).collect();
            output.extend(scanner.rest());
            assert_eq!(
                (scanner.status(), output.as_slice()),
                (None, stream.as_bytes())
            );
        }
    }
}
