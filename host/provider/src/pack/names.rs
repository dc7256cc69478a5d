//! Names that stand in packs, and which of them are harmless.

use super::PackError;

/// The name of a configuration file is at most this long, in bytes.
const MAX_CFG_NAME: usize = 100;
/// The path of an auxiliary file is at most this long, in bytes.
const MAX_DEPS_PATH: usize = 500;
/// A component of a path is at most this long, in bytes: what Linux allows.
const MAX_COMPONENT: usize = 255;

/// Whether `name` can be a label of the Cartesian language, and so the name of a pack or of a test. It begins with no
/// `-`: commands would take it for an option.
pub(super) fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Checks the name of a configuration file or a backend. It is written into the text that a job parses, and shown as the
/// origin of values, so it is a plain word: a line feed in it would be a line of configuration that nobody wrote.
pub(super) fn check_cfg_name(name: &str) -> Result<(), PackError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=MAX_CFG_NAME).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.')
    {
        return Ok(());
    }
    Err(PackError::BadCfgName {
        name: name.escape_default().to_string(),
    })
}

/// Checks the path of an auxiliary file. It is written below a directory of the host, so it must not lead out of it.
pub(super) fn check_deps_path(path: &str) -> Result<(), PackError> {
    let plain = |part: &str| {
        (1..=MAX_COMPONENT).contains(&part.len())
            && !matches!(part, "." | "..")
            && !part.chars().any(|c| c.is_control() || c == '\\')
    };
    if path.len() <= MAX_DEPS_PATH && path.split('/').all(plain) {
        return Ok(());
    }
    Err(PackError::BadDepsPath {
        path: path.escape_default().to_string(),
    })
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_does_not_lead_out() {
        for path in ["a", "a/b.sh", ".hidden", "a/..b", "\u{e4}/x y"] {
            assert!(check_deps_path(path).is_ok(), "{path}");
        }
        let long = "x".repeat(MAX_COMPONENT + 1);
        let deep = "x/".repeat(MAX_DEPS_PATH) + "x";
        for path in [
            "", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a\nb", "a\0", "a\\b", &long,
            &deep,
        ] {
            let told = check_deps_path(path).unwrap_err().to_string();
            assert!(!told.contains(['\n', '\0']), "{told}");
        }
    }
}
