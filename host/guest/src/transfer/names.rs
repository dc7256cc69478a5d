//! Names and paths that come from a guest, and how they are shown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::error::{Result, TransferFault};
use crate::escapes::sanitize;

/// The longest file name that Linux has.
const LONGEST_NAME: usize = 255;

/// A name that a guest gives, made sure to be one: a single component that leads nowhere.
pub(crate) fn checked(name: &[u8]) -> Result<&OsStr> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name == b"." || name == b".." {
        "is no name but a direction"
    } else if name.contains(&b'/') {
        "contains a slash"
    } else if name.contains(&0) {
        "contains a NUL byte"
    } else if name.len() > LONGEST_NAME {
        "is longer than 255 bytes"
    } else {
        return Ok(OsStr::from_bytes(name));
    };
    Err(TransferFault::Name {
        name: shown(name),
        reason,
    })
}

/// Whether a symbolic link may be made of `target`, `depth` directories below the top of the copied tree.
///
/// Only leading `..` are allowed: they are counted against real directories. Behind a name, `..` would mean the parent of
/// wherever that name leads, which may be a link, too.
pub(crate) fn stays_inside(target: &[u8], depth: usize) -> Result<(), &'static str> {
    if target.is_empty() || target.contains(&0) || target.len() > 4095 {
        return Err("it leads to nothing that has a name");
    }
    if target.starts_with(b"/") {
        return Err("it leads out of the copied tree: its target is absolute");
    }
    let (mut up, mut named) = (0, false);
    for component in target.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." if named => return Err("its target goes back up behind a name"),
            b".." => up += 1,
            _ => named = true,
        }
    }
    if up > depth {
        return Err("it leads out of the copied tree");
    }
    Ok(())
}

/// Bytes of a guest as text for people: no control characters, not endless.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(1024)];
    let mut text = sanitize(&String::from_utf8_lossy(cut));
    if cut.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

/// A path in the guest without slashes at its end; `/` stays.
pub(crate) fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(1, |i| i + 1);
    &path[..end.min(path.len())]
}

/// The last component of a path in the guest and what is before it.
pub(crate) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    let path = trimmed(path);
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(i) => (&path[..i], &path[i + 1..]),
        None => (b".", path),
    }
}

/// A path in the guest with one more component.
pub(crate) fn joined(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = match dir {
        b"." => Vec::new(),
        dir => dir.to_vec(),
    };
    if !path.is_empty() && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// The name a file has until it is complete. The guest cannot guess it.
pub(crate) fn part_name() -> String {
    format!(".vthost-{}.part", crate::shell::token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_guest_are_single_components() {
        for good in [
            &b"a"[..],
            b"...",
            b".hidden",
            b"a\\b",
            b"\xff\xfe",
            b"a b\n",
        ] {
            assert_eq!(checked(good).unwrap().as_bytes(), good);
        }
        let long = [b'x'; 256];
        for bad in [
            &b""[..],
            b".",
            b"..",
            b"/",
            b"a/b",
            b"../x",
            b"/etc/passwd",
            b"a\0b",
            &long,
        ] {
            let error = checked(bad).unwrap_err();
            assert!(matches!(error, TransferFault::Name { .. }), "{error}");
        }
        let shown = checked(b"x/\x1b[2J\x07").unwrap_err().to_string();
        assert!(!shown.contains('\x1b'), "{shown}");
    }

    #[test]
    fn links_stay_inside() {
        for (target, depth) in [
            (&b"a"[..], 0),
            (b"./a/b", 0),
            (b"..", 1),
            (b"../../a/b", 2),
            (b".././../x", 2),
        ] {
            assert_eq!(stays_inside(target, depth), Ok(()), "{target:?}");
        }
        for (target, depth) in [
            (&b"/etc"[..], 9),
            (b"..", 0),
            (b"../../x", 1),
            (b"a/..", 5),
            (b"a/../../..", 2),
            (b"", 1),
            (b"a\0", 1),
        ] {
            assert!(stays_inside(target, depth).is_err(), "{target:?}");
        }
    }

    #[test]
    fn paths_of_a_guest() {
        for (path, dir, name) in [
            ("/a/b/", "/a", "b"),
            ("/a", "/", "a"),
            ("a", ".", "a"),
            ("/", "/", ""),
        ] {
            assert_eq!(
                split_last(path.as_bytes()),
                (dir.as_bytes(), name.as_bytes())
            );
        }
        assert_eq!(joined(b"/", b"a"), b"/a");
        assert_eq!(joined(b".", b"a"), b"a");
        assert_eq!(joined(b"a/b", b"c"), b"a/b/c");
        assert_eq!(trimmed(b"a//"), b"a");
        assert_eq!(trimmed(b""), b"");
    }
}
