//! Wildcards of paths, the same for host and guest: `*`, `?` and `[..]` in any component, as a shell has them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::error::{Result, TransferFault};
use super::names::shown;

/// A path of which at least one component has a wildcard.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// `/` if the path is absolute, else `.`.
    pub(crate) root: &'static [u8],
    /// The components.
    pub(crate) parts: Vec<Part>,
}

/// One component of a [`Pattern`].
#[derive(Debug)]
pub(crate) enum Part {
    /// Taken as it is.
    Plain(Vec<u8>),
    /// Matched against the names of a directory.
    Wild(Wild),
}

/// A component with a wildcard.
#[derive(Debug)]
pub(crate) struct Wild {
    matcher: GlobMatcher,
    hidden: bool,
}

impl Wild {
    /// Whether a name matches. As in a shell, a name that begins with a dot matches only a pattern that does.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        (self.hidden || !name.starts_with(b"."))
            && self.matcher.is_match(Path::new(OsStr::from_bytes(name)))
    }
}

/// Parses a path; `None` if it has no wildcard.
///
/// # Errors
/// [`TransferFault::Pattern`].
pub(crate) fn parse(path: &[u8]) -> Result<Option<Pattern>> {
    let mut wild = false;
    let mut parts = Vec::new();
    for component in path.split(|b| *b == b'/').filter(|c| !c.is_empty()) {
        let part = component_of(component)?;
        wild |= matches!(part, Part::Wild(_));
        parts.push(part);
    }
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"." };
    Ok(wild.then_some(Pattern { root, parts }))
}

/// Parses one component.
pub(crate) fn component_of(component: &[u8]) -> Result<Part> {
    let plain = || Ok(Part::Plain(component.to_vec()));
    // A matcher is made of text; a name that is no text has no wildcards.
    let Ok(text) = std::str::from_utf8(component) else {
        return plain();
    };
    let Some(glob) = translated(text) else {
        return plain();
    };
    let matcher = GlobBuilder::new(&glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|source| TransferFault::Pattern {
            pattern: shown(component),
            source: Box::new(source),
        })?
        .compile_matcher();
    Ok(Part::Wild(Wild {
        matcher,
        hidden: text.starts_with('.'),
    }))
}

/// The component in the syntax of the library, which gives a meaning to `{}`, `**` and `\`, too; `None` if it has no wildcard.
fn translated(text: &str) -> Option<String> {
    let (mut glob, mut wild, mut rest) = (String::new(), false, text);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = after;
        match c {
            '*' => {
                wild = true;
                if !glob.ends_with('*') || glob.ends_with("\\*") {
                    glob.push('*');
                }
            }
            '?' => {
                wild = true;
                glob.push('?');
            }
            '[' => match class_length(after) {
                Some(length) => {
                    wild = true;
                    glob.push('[');
                    glob.push_str(&after[..length]);
                    rest = &after[length..];
                }
                None => glob.push_str("\\["),
            },
            '{' | '}' | '\\' | ']' => glob.extend(['\\', c]),
            c => glob.push(c),
        }
    }
    wild.then_some(glob)
}

/// The length of the rest of a `[..]`, with its end; `None` if it has none.
fn class_length(rest: &str) -> Option<usize> {
    let negation = usize::from(rest.starts_with(['!', '^']));
    // A bracket in the first place is a member, not the end.
    let first = rest[negation..].chars().next()?.len_utf8();
    let end = rest[negation + first..].find(']')?;
    Some(negation + first + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &[u8]) -> bool {
        match component_of(pattern.as_bytes()).unwrap() {
            Part::Wild(wild) => wild.matches(name),
            Part::Plain(plain) => plain == name,
        }
    }

    #[test]
    fn components() {
        for (pattern, name) in [
            ("*", "a"),
            ("**", "a"),
            ("*.txt", "b.txt"),
            ("a?c", "abc"),
            ("[ab]c", "bc"),
            ("[!ab]c", "cc"),
            ("[]x]", "]"),
            ("[a-c]*", "c1"),
            (".*", ".hidden"),
            ("a[b", "a[b"),
            ("*{x}", "1{x}"),
            ("*\\", "1\\"),
            ("*é", "ué"),
        ] {
            assert!(matches(pattern, name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".hidden"),
            ("?", ".x"),
            ("*.txt", "b.txt2"),
            ("a?c", "ac"),
            ("[ab]c", "cc"),
            ("{a,b}*", "a1"),
        ] {
            assert!(!matches(pattern, name.as_bytes()), "{pattern} {name}");
        }
        assert!(matches("*", b"\xff\xfe"));
    }

    #[test]
    fn paths() {
        assert!(parse(b"/a/b[/c").unwrap().is_none());
        assert!(parse(b"\xff*").unwrap().is_none());
        let pattern = parse(b"/a/*/c").unwrap().unwrap();
        assert_eq!((pattern.root, pattern.parts.len()), (&b"/"[..], 3));
        assert_eq!(parse(b"a/*").unwrap().unwrap().root, b".");
        let error = parse(b"[z-a]").unwrap_err();
        assert!(matches!(error, TransferFault::Pattern { .. }), "{error}");
    }
}
