//! `${key}` in values.

use crate::text::span::Extent;

/// The references in a part of `text`: each whole, and the key in it. They do not nest: one ends at the first brace.
pub(crate) fn references(text: &str, value: Extent) -> impl Iterator<Item = (Extent, &str)> {
    let end = value.end as usize;
    let mut from = value.start as usize;
    std::iter::from_fn(move || {
        loop {
            let dollar = from + memchr::memchr(b'$', &text.as_bytes()[from..end])?;
            from = dollar + 1;
            let Some(rest) = text[from..end].strip_prefix('{') else {
                continue;
            };
            // The name has at least one character, whatever it is.
            let first = rest.chars().next()?.len_utf8();
            let name = from + 1;
            let rest = &text.as_bytes()[name + first..end];
            let close = name + first + memchr::memchr(b'}', rest)?;
            from = close + 1;
            return Some((Extent::new(dollar, close + 1), &text[name..close]));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_those_of_the_expansion() {
        for (text, expected) in [
            ("a${b}c${d e}", &["b", "d e"][..]),
            ("$a $ {b} $${c}", &["c"]),
            ("${${a}}", &["${a"]),
            ("${}}", &["}"]),
            ("${é}", &["é"]),
            ("${", &[]),
            ("${a", &[]),
            ("", &[]),
        ] {
            let found: Vec<(Extent, &str)> = references(text, Extent::new(0, text.len())).collect();
            let names: Vec<&str> = found.iter().map(|(_, name)| *name).collect();
            assert_eq!(names, expected, "{text}");
            for (at, name) in found {
                assert_eq!(at.of(text), format!("${{{name}}}"));
            }
        }
    }
}
