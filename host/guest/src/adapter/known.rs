//! The table of guest operating systems.

use std::borrow::Cow::{self, Borrowed};

use super::{Dialect, GuestOs, LoginPatterns};

/// Matches nothing: a question that a guest never asks.
const NOTHING: Cow<'static, str> = Borrowed(r"[^\s\S]");

/// The dialogue of `getty` and `login`.
const UNIX_LOGIN: LoginPatterns = LoginPatterns {
    user_prompt: Borrowed(r"(?i)(?:\blogin|username):\s*$"),
    not_user_prompt: Borrowed(r"(?i)\blast (?:failed )?login:"),
    password_prompt: Borrowed(r"(?i)\bpassword(?: for [^:]+)?:\s*$"),
    maintenance_prompt: Borrowed(r"(?i)\(or (?:press|type) Control-D to continue\):\s*$"),
    refused: Borrowed(
        r"(?i)login incorrect|incorrect password|permission denied|authentication failure|maximum number of tries",
    ),
    press_key: Borrowed(r"(?i)press enter to activate this console|press any key to continue"),
};

/// Linux, and what is close enough to it.
pub const LINUX: GuestOs = GuestOs {
    name: Borrowed("linux"),
    dialect: Dialect::Posix,
    shell_prompt: Borrowed(r"[\#\$]\s*$"),
    shell_linesep: Borrowed("\n"),
    status_test_command: Borrowed("echo $?"),
    shell_client: Borrowed("ssh"),
    shell_port: 22,
    reboot_command: Borrowed("shutdown -r now"),
    shutdown_command: Borrowed("shutdown -h now"),
    path_separator: '/',
    temporary_directory: Borrowed("/tmp"),
    login: UNIX_LOGIN,
};

/// Linux with nothing but busybox: no `shutdown`.
pub const BUSYBOX: GuestOs = GuestOs {
    name: Borrowed("busybox"),
    dialect: Dialect::Posix,
    shell_prompt: Borrowed(r"[\#\$]\s*$"),
    shell_linesep: Borrowed("\n"),
    status_test_command: Borrowed("echo $?"),
    shell_client: Borrowed("ssh"),
    shell_port: 22,
    reboot_command: Borrowed("reboot"),
    shutdown_command: Borrowed("poweroff"),
    path_separator: '/',
    temporary_directory: Borrowed("/tmp"),
    login: UNIX_LOGIN,
};

/// FreeBSD, whose root has a shell that is no POSIX shell in older releases: `%` ends its prompt, and a session there
/// needs [`Dialect::Prompt`] with `echo $status`.
pub const FREEBSD: GuestOs = GuestOs {
    name: Borrowed("freebsd"),
    dialect: Dialect::Posix,
    shell_prompt: Borrowed(r"[\#\$%]\s*$"),
    shell_linesep: Borrowed("\n"),
    status_test_command: Borrowed("echo $?"),
    shell_client: Borrowed("ssh"),
    shell_port: 22,
    reboot_command: Borrowed("shutdown -r now"),
    shutdown_command: Borrowed("shutdown -p now"),
    path_separator: '/',
    temporary_directory: Borrowed("/tmp"),
    login: UNIX_LOGIN,
};

/// Windows with `cmd.exe` behind a shell server; its directory, a drive or a share, is its prompt.
pub const WINDOWS: GuestOs = GuestOs {
    name: Borrowed("windows"),
    dialect: Dialect::Cmd,
    shell_prompt: Borrowed(r"^(?:[A-Za-z]:\\|\\\\)[^<>|]*>\s*$"),
    shell_linesep: Borrowed("\r\n"),
    status_test_command: Borrowed("echo %errorlevel%"),
    shell_client: Borrowed("nc"),
    shell_port: 10022,
    reboot_command: Borrowed("shutdown /r /f /t 0"),
    shutdown_command: Borrowed("shutdown /s /f /t 0"),
    path_separator: '\\',
    temporary_directory: Borrowed(r"C:\Windows\Temp"),
    login: LoginPatterns {
        user_prompt: Borrowed(r"(?i)\b(?:login|user ?name):\s*$"),
        not_user_prompt: Borrowed(r"(?i)\blast login:"),
        password_prompt: Borrowed(r"(?i)\bpassword:\s*$"),
        maintenance_prompt: NOTHING,
        refused: Borrowed(r"(?i)login failed|logon failure|access is denied"),
        press_key: Borrowed(r"(?i)press any key to continue"),
    },
};
