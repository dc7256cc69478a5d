//! Helpers for Linux guests: everything here runs commands in a session and needs nothing of the host.

mod disk;
mod net;
mod system;

pub use disk::{Filesystem, disk_size, disks, new_disk, wait_for_disk_gone};
pub use net::{addresses, interface_of, loss_of_ping};
pub use system::{boot_id, dmesg_since, meminfo, online_cpus, uptime};

/// A word for a POSIX shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_a_word() {
        assert_eq!(quote("/dev/vda1"), "/dev/vda1");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $x"), r"'it'\''s $x'");
        assert_eq!(quote(""), "''");
    }
}
