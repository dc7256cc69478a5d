//! Source text to lines: what is left once blank lines, comment lines, tabs and trailing blanks are gone.

use std::borrow::Cow;

/// A tab reaches to the next multiple of this.
const TAB: usize = 8;

/// One line that holds something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The whole line: tabs expanded, trailing blanks cut, the indentation still there.
    pub(crate) text: Cow<'a, str>,
    /// Bytes of leading blanks, which is also where the text starts.
    pub(crate) start: usize,
    /// Characters of leading blanks.
    pub(crate) indent: usize,
    /// From 1.
    pub(crate) number: u32,
}

/// The lines of `text` that hold something.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    numbered(text).filter_map(|(number, raw)| {
        let text = expand(raw);
        let start = text.len() - text.trim_start().len();
        let body = &text[start..];
        if body.is_empty() || body.starts_with('#') || body.starts_with("//") {
            return None;
        }
        let indent = text[..start].chars().count();
        Some(Line {
            text,
            start,
            indent,
            number,
        })
    })
}

/// Line `number` of `text` as [`lines`] would show it.
pub(crate) fn nth(text: &str, number: u32) -> Option<Cow<'_, str>> {
    numbered(text)
        .find(|(n, _)| *n == number)
        .map(|(_, raw)| expand(raw))
}

/// Numbered raw lines. A line ends with `\n`, `\r\n` or `\r`; a byte order mark is no part of the text.
fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = Some(text.strip_prefix('\u{feff}').unwrap_or(text));
    let split = std::iter::from_fn(move || {
        let text = rest?;
        match text.find(['\n', '\r']) {
            Some(end) => {
                let width = if text[end..].starts_with("\r\n") {
                    2
                } else {
                    1
                };
                rest = Some(&text[end + width..]);
                Some(&text[..end])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    });
    (1..=u32::MAX).zip(split)
}

fn expand(raw: &str) -> Cow<'_, str> {
    let raw = raw.trim_end();
    if !raw.contains('\t') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + TAB);
    let mut column = 0;
    for c in raw.chars() {
        let width = if c == '\t' { TAB - column % TAB } else { 1 };
        if c == '\t' {
            out.extend(std::iter::repeat_n(' ', width));
        } else {
            out.push(c);
        }
        column += width;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_vanish() {
        let found: Vec<(u32, usize, String)> = lines("\u{feff}# c\n\n  // d\r\n\ta\tb  \r  c")
            .map(|line| (line.number, line.indent, line.text.into_owned()))
            .collect();
        assert_eq!(
            found,
            [
                (4, 8, "        a       b".to_owned()),
                (5, 2, "  c".to_owned())
            ]
        );
    }

    #[test]
    fn nth_counts_as_lines_does() {
        assert_eq!(nth("a\r\nb\rc\n", 3).as_deref(), Some("c"));
        assert_eq!(nth("a", 2), None);
    }
}
