//! Helpers for Windows guests: everything here runs commands in a session and needs nothing of the host.
//!
//! There is no Windows guest on the machine where vthost is developed: what reads the output of commands is tested on
//! recorded output, the commands themselves are not.

mod disk;
mod system;

pub use disk::{DiskTable, online_script, parse_disks};
pub use system::{parse_list, service_state, wmi_query};

/// A word for `cmd.exe`. It has no way to write a quotation mark inside quotation marks that all programs read alike, so
/// such a word is refused.
pub fn quote(word: &str) -> Option<String> {
    if word.contains(['"', '\n', '\r', '%']) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || r"-_./,:=+@\".contains(c);
    Some(if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("\"{word}\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_a_word() {
        assert_eq!(quote(r"C:\x").as_deref(), Some(r"C:\x"));
        assert_eq!(
            quote(r"C:\Program Files").as_deref(),
            Some("\"C:\\Program Files\"")
        );
        assert_eq!(quote("a & b").as_deref(), Some("\"a & b\""));
        for bad in ["a\"b", "%PATH%", "a\nb"] {
            assert_eq!(quote(bad), None, "{bad}");
        }
    }
}
