//! Guest output made fit for people: terminal escapes never reach an operator's terminal.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// CSI sequences, OSC/DCS/PM/APC strings (ended by BEL or ST, or cut off at the end of the text), charset selection and
/// the two-character escapes. The 8-bit C1 forms are covered because a terminal in 8-bit mode obeys them too.
static ESCAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?s)(?:\x1b\[|\u{9b})[0-?]*[ -/]*[@-~]",
        r"|(?:\x1b[\]PX^_]|[\u{9d}\u{90}\u{98}\u{9e}\u{9f}]).*?(?:\x07|\x1b\\|\u{9c}|\z)",
        r"|\x1b[ -/]*[0-~]?",
    ))
    .ok()
});

/// The text without terminal escape sequences (ANSI/CSI, OSC, DCS, charset selection), other characters untouched.
#[must_use]
pub fn strip_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains([
        '\x1b', '\u{9b}', '\u{9d}', '\u{90}', '\u{98}', '\u{9e}', '\u{9f}',
    ]) {
        return Cow::Borrowed(text);
    }
    match ESCAPES.as_ref() {
        Some(escapes) => escapes.replace_all(text, ""),
        None => Cow::Owned(text.chars().filter(|c| !c.is_control()).collect()),
    }
}

/// The text as an operator may see it: no escape sequences, line ends as `\n`, every other control character dropped
/// except tab. Bidirectional overrides go too, since they can make a line read as another one.
#[must_use]
pub fn sanitize(text: &str) -> String {
    strip_escapes(text)
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if c == '\r' { '\n' } else { c })
        .filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_bidi_control(*c)))
        .collect()
}

/// True for characters that make a line read in another order.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// The last non-empty lines of a text, sanitized, joined by ` | `, and cut to a number of characters from the left.
pub(crate) fn tail_for_humans(text: &str, lines: usize, chars: usize) -> String {
    let clean = sanitize(text);
    let mut last: Vec<&str> = clean
        .lines()
        .rev()
        .map(str::trim_end)
        .filter(|l| !l.is_empty())
        .take(lines)
        .collect();
    last.reverse();
    let joined = last.join(" | ");
    match joined.char_indices().rev().nth(chars) {
        Some((cut, c)) => format!("...{}", &joined[cut + c.len_utf8()..]),
        None => joined,
    }
}

/// The end of some bytes, at most `limit` of them, lossily decoded from a character boundary.
pub(crate) fn tail_lossy(bytes: &[u8], limit: usize) -> String {
    let mut start = bytes.len().saturating_sub(limit);
    // A cut inside a character would decode to replacement characters that the guest never wrote.
    while start > 0 && start < bytes.len() && bytes[start] & 0xc0 == 0x80 {
        start += 1;
    }
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_removed() {
        for (dirty, clean) in [
            ("plain", "plain"),
            ("\x1b[01;31mred\x1b[0m", "red"),
            ("\x1b[?2004hroot# ", "root# "),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b]0;never ended", ""),
            ("\x1bP1$r0m\x1b\\x", "x"),
            ("a\x1b(Bb\x1b)0c", "abc"),
            ("\x1b[6n", ""),
            ("\u{9b}31mx", "x"),
            ("\x1b7saved\x1b8", "saved"),
            ("tail\x1b", "tail"),
        ] {
            assert_eq!(strip_escapes(dirty), clean, "{dirty:?}");
        }
    }

    #[test]
    fn sanitized_text_has_no_control_characters() {
        assert_eq!(sanitize("a\r\nb\rc\x07\x00\td\u{202e}e"), "a\nb\nc\tde");
        let all: String = (0..0x300_u32).filter_map(char::from_u32).collect();
        assert!(
            sanitize(&all)
                .chars()
                .all(|c| c == '\n' || c == '\t' || !c.is_control())
        );
    }

    #[test]
    fn the_tail_is_bounded() {
        assert_eq!(
            tail_for_humans("one\n\ntwo\nthree\n", 2, 100),
            "two | three"
        );
        assert_eq!(tail_for_humans("abcdef", 2, 3), "...def");
        assert_eq!(tail_for_humans("", 2, 3), "");
        assert_eq!(tail_lossy("aä".as_bytes(), 1), "");
        assert_eq!(tail_lossy("aäb".as_bytes(), 3), "äb");
    }
}
