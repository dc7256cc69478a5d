//! Control characters by name.

use crate::error::{Error, Result};

/// The character that a terminal sends for a key pressed with Ctrl: `ctrl+c`, `ctrl-c`, `^C` or `c`; also `[`, `\`, `]`,
/// `^`, `_`, `@` and `?`.
pub(crate) fn control(name: &str) -> Result<u8> {
    let unknown = || Error::InvalidKey {
        name: name.to_owned(),
    };
    let lower = name.trim().to_ascii_lowercase();
    let key = ["ctrl+", "ctrl-", "^"]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix).filter(|key| !key.is_empty()))
        .unwrap_or(&lower);
    let [key] = key.as_bytes() else {
        return Err(unknown());
    };
    match key.to_ascii_uppercase() {
        b'?' => Ok(0x7f),
        key @ b'@'..=b'_' => Ok(key - b'@'),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_codes_of_a_terminal() {
        for (name, code) in [
            ("ctrl+c", 3),
            ("Ctrl-D", 4),
            ("^Z", 26),
            ("u", 21),
            (r"ctrl+\", 28),
            ("ctrl+]", 29),
            ("^", 30),
            ("^^", 30),
            ("ctrl+@", 0),
            ("ctrl+?", 127),
        ] {
            assert_eq!(control(name).unwrap(), code, "{name}");
        }
        for name in ["", "ctrl+", "ctrl+cc", "enter", "1", "ctrl+ä"] {
            let error = control(name).unwrap_err();
            assert!(matches!(error, Error::InvalidKey { .. }), "{name}");
        }
    }
}
