//! Guest operating systems as data: what differs between them is in one table.

mod known;
mod quote;

use std::borrow::Cow;

use crate::shell::ShellOptions;

pub use known::{BUSYBOX, FREEBSD, LINUX, WINDOWS};

/// A word of an adapter: borrowed from the table, or owned by whoever describes a guest of their own.
type Text = Cow<'static, str>;

/// How to talk to one kind of guest. A guest that no row of [`GUEST_OSES`] fits is a changed copy of one that nearly does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestOs {
    /// The value of the parameter `os_type`.
    pub name: Text,
    /// What its shell understands.
    pub dialect: Dialect,
    /// The shell prompt, matched in the last non-empty line (default of the parameter `shell_prompt`).
    pub shell_prompt: Text,
    /// What ends a line that is sent (default of the parameter `shell_linesep`).
    pub shell_linesep: Text,
    /// Prints the status of the last command, a number on a line of its own (default of the parameter
    /// `status_test_command`). Needed by [`Dialect::Prompt`]; with the others it is for tests that drive a shell by hand.
    pub status_test_command: Text,
    /// How a session gets in (default of the parameter `shell_client`): `ssh`, `telnet` or `nc`.
    pub shell_client: Text,
    /// The port of the guest's shell server (default of the parameter `shell_port`).
    pub shell_port: u16,
    /// Restarts the guest (default of the parameter `reboot_command`).
    pub reboot_command: Text,
    /// Powers the guest off (default of the parameter `shutdown_command`).
    pub shutdown_command: Text,
    /// What stands between the parts of a path.
    pub path_separator: char,
    /// A directory that every user may write to.
    pub temporary_directory: Text,
    /// The prompts of a console login.
    pub login: LoginPatterns,
}

/// What a guest's shell understands, and with it how a command's output and status are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// A POSIX shell: the command stands between two markers with a fresh token, so its output is exact, and its status
    /// comes with it.
    #[default]
    Posix,
    /// `cmd.exe`: the command ends at the prompt; the status is asked for between markers with a fresh token, and a prompt in
    /// the output does no harm. The status is `%errorlevel%`, which some commands (`echo`) leave as they find it. The output
    /// keeps its line ends, with the empty line that `cmd.exe` prints before a prompt.
    Cmd,
    /// Anything else that has a prompt, as the reference treats all guests: the command ends when the last line looks like
    /// the prompt, and the status is what the parameter `status_test_command` prints then. The output is as exact as the
    /// prompt is unlike it.
    Prompt,
}

/// Regular expressions for the dialogue of a console login, each matched in the last non-empty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPatterns {
    /// The guest asks for a user name.
    pub user_prompt: Text,
    /// Lines that look like `user_prompt` but are not.
    pub not_user_prompt: Text,
    /// The guest asks for the password.
    pub password_prompt: Text,
    /// The guest stopped in its boot and asks for the password of root alone.
    pub maintenance_prompt: Text,
    /// The guest refuses; matched anywhere in the output since the password was sent.
    pub refused: Text,
    /// The guest wants a key pressed before it offers a login.
    pub press_key: Text,
}

/// Every known guest operating system.
pub const GUEST_OSES: &[GuestOs] = &[LINUX, WINDOWS, FREEBSD, BUSYBOX];

/// The adapter for a value of `os_type`.
#[must_use]
pub fn guest_os(name: &str) -> Option<&'static GuestOs> {
    GUEST_OSES.iter().find(|os| os.name == name)
}

impl GuestOs {
    /// What a session needs of it.
    #[must_use]
    pub fn shell_options(&self) -> ShellOptions {
        ShellOptions {
            prompt: self.shell_prompt.clone().into_owned(),
            linesep: self.shell_linesep.clone().into_owned(),
            dialect: self.dialect,
            status_command: self.status_test_command.clone().into_owned(),
        }
    }

    /// A text as one word of a command line of this guest.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`](crate::Error::InvalidCommand) for a NUL byte,
    /// [`Error::Unquotable`](crate::Error::Unquotable) for what `cmd.exe` has no way to quote (a line end, `%`, a double
    /// quote beside its operators).
    pub fn quote(&self, text: &str) -> crate::Result<String> {
        quote::quote(self.dialect, text)
    }

    /// A path in the guest out of its parts.
    #[must_use]
    pub fn join(&self, parts: &[&str]) -> String {
        let mut path = String::new();
        for part in parts {
            if !path.is_empty() && !path.ends_with(self.path_separator) {
                path.push(self.path_separator);
            }
            path.push_str(part);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    #[test]
    fn every_row_is_complete() {
        for os in GUEST_OSES {
            for regex in [
                &os.shell_prompt,
                &os.login.user_prompt,
                &os.login.not_user_prompt,
                &os.login.password_prompt,
                &os.login.maintenance_prompt,
                &os.login.refused,
                &os.login.press_key,
            ] {
                Pattern::last_line(regex).unwrap_or_else(|e| panic!("{}: {e}", os.name));
                assert!(!regex.is_empty(), "{}", os.name);
            }
            assert_eq!(guest_os(&os.name), Some(os));
            assert!(matches!(&*os.shell_client, "ssh" | "telnet" | "nc"));
        }
        assert_eq!(guest_os("plan9"), None);
    }

    #[test]
    fn prompts_of_windows_are_seen() {
        let prompt = Pattern::last_line(&WINDOWS.shell_prompt).unwrap();
        for yes in [
            "C:\\>",
            "\r\nC:\\Users\\Administrator>",
            "D:\\a b\\c(1)>  ",
            "\\\\server\\share\\x>",
            "vol\r\nE:\\>\r\n",
        ] {
            assert!(prompt.find(yes.as_bytes(), 0).is_some(), "{yes:?}");
        }
        for no in [
            "C:\\>dir",
            "a -> b",
            "1 >",
            "<DIR>",
            "Overwrite C:\\x (Y/N)?",
        ] {
            assert!(prompt.find(no.as_bytes(), 0).is_none(), "{no:?}");
        }
    }

    #[test]
    fn a_custom_guest_is_a_changed_copy() {
        let router = GuestOs {
            name: "router".into(),
            dialect: Dialect::Prompt,
            shell_prompt: r"^\S+ # $".into(),
            ..LINUX
        };
        assert_eq!(router.shell_options().prompt, r"^\S+ # $");
        assert_eq!(router.shell_options().linesep, "\n");
    }

    #[test]
    fn paths_are_joined_as_the_guest_does() {
        assert_eq!(LINUX.join(&["/tmp", "a", "b"]), "/tmp/a/b");
        assert_eq!(LINUX.join(&["/", "a"]), "/a");
        assert_eq!(WINDOWS.join(&["C:\\", "a b", "c"]), "C:\\a b\\c");
    }
}
