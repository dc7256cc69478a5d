//! Source text to lines: what is left once blank lines, comment lines, tabs and trailing blanks are gone.

use std::ops::Range;

use crate::text::span::Extent;

/// A tab reaches to the next multiple of this.
const TAB: usize = 8;

/// One line that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// What stands in it, without the blanks around.
    pub(crate) at: Extent,
    /// Characters of leading blanks.
    pub(crate) indent: u32,
    /// From 1.
    pub(crate) number: u32,
}

/// The text as the language sees it: no byte order mark, `\n` after each line, blanks for tabs. Nearly every text is so
/// already and stays as it is. What puts texts together needs them so: lines are counted, and tabs stand in columns.
pub fn normalize(text: String) -> String {
    let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // Only lines with something odd in them are looked at character by character.
    if odd_lines(body).next().is_none() {
        return if body.len() == text.len() {
            text
        } else {
            body.to_owned()
        };
    }
    let mut out = String::with_capacity(body.len() + body.len() / 8);
    let mut done = 0;
    for line in odd_lines(body) {
        out.push_str(&body[done..line.start]);
        done = line.end;
        let mut rest = &body[line];
        while let Some(end) = rest.find(is_break) {
            expand(&rest[..end], &mut out);
            out.push('\n');
            let after = &rest[end..];
            rest = after.strip_prefix("\r\n").unwrap_or_else(|| {
                let mut chars = after.chars();
                chars.next();
                chars.as_str()
            });
        }
        expand(rest, &mut out);
    }
    out.push_str(&body[done..]);
    out
}

/// The lines, up to `\n` and with it, in which there is a tab or another end of a line.
fn odd_lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < text.len() {
            // Whole pieces of a text without anything odd are passed over at once.
            let piece = &text.as_bytes()[next..];
            let piece = &piece[..piece.len().min(PIECE)];
            if piece.len() == PIECE && is_plain(piece) {
                next += PIECE;
                continue;
            }
            let start = memchr::memrchr(b'\n', &text.as_bytes()[..next]).map_or(0, |at| at + 1);
            let end = memchr::memchr(b'\n', &text.as_bytes()[next..])
                .map_or(text.len(), |at| next + at + 1);
            next = end;
            let line = &text[start..end];
            let is_odd = |c: char| c == '\t' || (c != '\n' && is_break(c));
            if !is_plain(line.as_bytes()) && line.chars().any(is_odd) {
                return Some(start..end);
            }
        }
        None
    })
}

/// So many bytes are looked at at once.
const PIECE: usize = 1024;

/// Is there nothing but ASCII, and no control character but `\n`?
fn is_plain(bytes: &[u8]) -> bool {
    let odd = |byte: u8| (byte < b' ' && byte != b'\n') || byte >= 0x80;
    !bytes.iter().fold(false, |found, byte| found | odd(*byte))
}

/// Does the character end a line? Those that end one for Python do, and `\r\n` ends one line.
fn is_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Appends one line with blanks for its tabs. Trailing ones vanish, so that a line of tabs does not grow.
fn expand(raw: &str, out: &mut String) {
    if memchr::memchr(b'\t', raw.as_bytes()).is_none() {
        return out.push_str(raw);
    }
    let mut column = 0;
    for c in raw.trim_end().chars() {
        let width = if c == '\t' { TAB - column % TAB } else { 1 };
        if c == '\t' {
            out.extend(std::iter::repeat_n(' ', width));
        } else {
            out.push(c);
        }
        column += width;
    }
}

/// The lines of a normalized text that hold something, to be taken one by one.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
    number: u32,
    next: Option<Line>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut lines = Self {
            text,
            at: 0,
            number: 0,
            next: None,
        };
        lines.next = lines.find();
        lines
    }

    /// The next line, if it stands deeper than `outer` (at any depth, if there is no outer line).
    pub(crate) fn next_within(&mut self, outer: Option<u32>) -> Option<Line> {
        let line = self.next?;
        if outer.is_some_and(|outer| line.indent <= outer) {
            return None;
        }
        self.next = self.find();
        Some(line)
    }

    fn find(&mut self) -> Option<Line> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let start = self.at;
            let indent = leading_blanks(&bytes[start..]);
            let first = start + indent;
            let end = memchr::memchr(b'\n', &bytes[first..]).map_or(bytes.len(), |at| first + at);
            self.at = end + 1;
            self.number += 1;
            let body = &bytes[first..end];
            let (at, indent) = match body {
                [] | [b'#', ..] => continue,
                [one] if one.is_ascii_graphic() => (Extent::new(first, end), indent),
                [one, .., last] if one.is_ascii_graphic() && last.is_ascii_graphic() => {
                    (Extent::new(first, end), indent)
                }
                _ => trim(self.text, start, end),
            };
            let body = &bytes[at.range()];
            if !(body.is_empty() || body[0] == b'#' || body.starts_with(b"//")) {
                return Some(Line {
                    at,
                    indent: indent as u32,
                    number: self.number,
                });
            }
        }
        None
    }
}

/// The part of `text` between `start` and `end` without the blanks of any sort around it, and the number of those before
/// it.
fn trim(text: &str, start: usize, end: usize) -> (Extent, usize) {
    let line = text[start..end].trim_end();
    let body = line.trim_start();
    let first = start + (line.len() - body.len());
    let indent = text[start..first].chars().count();
    (Extent::new(first, start + line.len()), indent)
}

/// How many blanks `bytes` starts with: eight at a time, because most lines stand deep.
fn leading_blanks(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let other = u64::from_le_bytes(*eight) ^ u64::from_le_bytes([b' '; 8]);
        if other != 0 {
            return at * 8 + other.trailing_zeros() as usize / 8;
        }
    }
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    eights.len() * 8 + blanks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_vanish() {
        let text = normalize("\u{feff}# c\n\n  // d\r\n\ta\tb  \r  c".to_owned());
        let mut lines = Lines::new(&text);
        let found: Vec<(u32, u32, &str)> = std::iter::from_fn(|| lines.next_within(None))
            .map(|line| (line.number, line.indent, line.at.of(&text)))
            .collect();
        assert_eq!(found, [(4, 8, "a       b"), (5, 2, "c")]);
    }

    #[test]
    fn what_ends_a_line_for_python_does() {
        let text =
            normalize("a\x0bb\x0cc\x1cd\x1de\x1ef\u{85}g\u{2028}h\u{2029}i\r\n\rj\x1fk".to_owned());
        assert_eq!(text, "a\nb\nc\nd\ne\nf\ng\nh\ni\n\nj\x1fk");
        for text in ["a\nb", "", "\u{e9}\n", "\u{c2}\u{2027}\u{202a}\u{86}"] {
            assert_eq!(normalize(text.to_owned()), text);
        }
    }

    #[test]
    fn an_odd_line_is_found_wherever_it_stands() {
        for before in [0, 1, 1000, 1023, 1024, 1025, 5000] {
            for line in ["k = a\tb", "\ték\u{2028}x", "a\r\nb\rc", "é"] {
                let plain = "k = 1\n".repeat(before / 6) + &"x".repeat(before % 6);
                let after = "\nlast = 2\n".repeat(200);
                let mut expected = plain.clone();
                match line {
                    "k = a\tb" if before % 6 == 0 => expected += "k = a   b",
                    "\ték\u{2028}x" if before % 6 == 0 => expected += "        ék\nx",
                    "a\r\nb\rc" => expected += "a\nb\nc",
                    "é" => expected += "é",
                    _ => continue,
                }
                let text = format!("{plain}{line}{after}");
                assert_eq!(normalize(text), expected + &after, "{before} {line:?}");
            }
        }
    }

    #[test]
    fn a_line_may_be_asked_to_stand_deeper() {
        let mut lines = Lines::new("  a\n b\n");
        assert_eq!(lines.next_within(Some(2)), None);
        assert!(lines.next_within(Some(1)).is_some());
        assert_eq!(lines.next_within(Some(1)), None);
        assert!(lines.next_within(None).is_some());
        assert_eq!(lines.next_within(None), None);
    }

    #[test]
    fn blanks_of_other_scripts_are_blanks() {
        let text = "\u{3000} a \u{a0}\n";
        let line = Lines::new(text).next_within(None).expect("a line");
        assert_eq!((line.indent, line.at.of(text)), (2, "a"));
    }
}
