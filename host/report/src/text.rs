//! Text from packs and guests, made safe to show.
//!
//! A test can print anything: sequences that clear the screen, rename the window or answer in the
//! operator's name; direction marks that reorder what is read; a newline and a forged log line. Nothing
//! of it may reach a terminal or a browser.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text in one line, without escape sequences and control characters; line breaks become spaces.
pub fn line(text: &str) -> String {
    // Nearly every name is so already, and a list has thousands.
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if text.as_bytes().iter().all(is_plain) && !text.contains("  ") && text.trim() == text {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in console::strip_ansi_codes(text).chars() {
        if c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !is_unsafe(c) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// The text with its lines and tabs, without escape sequences and other control characters.
pub fn block(text: &str) -> String {
    console::strip_ansi_codes(text)
        .chars()
        .filter(|&c| matches!(c, '\n' | '\t') || !is_unsafe(c))
        .collect()
}

/// The first line of [`block`] that says something.
pub fn first_line(text: &str) -> String {
    block(text)
        .lines()
        .map(line)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The text with every unsafe character spelled out (`\x1b`), for log files, which should lose nothing.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            c if !is_unsafe(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a string cannot fail.
                let _ = match code {
                    ..=0xff => write!(out, "\\x{code:02x}"),
                    _ => write!(out, "\\u{{{code:x}}}"),
                };
            }
        }
    }
    Cow::Owned(out)
}

/// Control characters, direction marks, separators that some programs take for a line break, and what
/// XML forbids.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[31mred\x1b[0m\x1b]0;title\x07\0b\r\n\tc\u{202e}d\u{9b}2Je\u{fffe}";

    #[test]
    fn nothing_unsafe_is_left() {
        assert_eq!(line(HOSTILE), "aredb cde");
        assert_eq!(block(HOSTILE), "aredb\n\tcde");
        assert_eq!(first_line("\n  \x1b[1m\n\n why\nmore"), "why");
        for code in 0..=0x10_ffff {
            let Some(c) = char::from_u32(code) else {
                continue;
            };
            let text = format!("x{c}y");
            assert!(!line(&text).chars().any(is_unsafe), "{code:x}");
            assert!(
                !block(&text)
                    .chars()
                    .any(|c| is_unsafe(c) && c != '\n' && c != '\t')
            );
        }
    }

    #[test]
    fn a_log_spells_it_out() {
        assert_eq!(escaped("plain\n\ttext"), "plain\n\ttext");
        assert_eq!(
            escaped("\x1b[31m\r\n\r\0\u{202e}é"),
            "\\x1b[31m\n\\x0d\\x00\\u{202e}é"
        );
    }
}
