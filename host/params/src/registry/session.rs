//! Keys: logging in.

use super::key::{Key, key};
use super::kind::{Kind, PORT};
use super::objects::VM;

const fn vm(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    key(name, kind, default, doc).of(VM)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    vm("check_guest_bsod", Kind::Flag, "no", "look for Windows' blue screen on screendumps").not_yet(),
    vm("console_ready_pattern", Kind::Regex, "", "what the guest's console prints when the guest can be logged in to").example("login:"),
    vm("guest_name", Kind::Text, "", "the name of the guest to tests").ignored("tests read it themselves"),
    vm("image_password", Kind::Text, "", "a password in the image").secret().not_yet(),
    vm("login_timeout", Kind::Seconds, "240", "seconds that a login may take, from its start to the prompt"),
    vm("os_type", Kind::Word(&["linux", "windows"]), "linux", "the family of the guest's operating system; it chooses how the guest is spoken to"),
    vm("os_variant", Kind::Text, "", "the guest's operating system").example("debian12").ignored("tests read it themselves"),
    vm("password", Kind::Text, "", "the password of `username` in the guest").secret().example("123456"),
    vm("reboot_command", Kind::Command, "shutdown -r now", "the command that reboots the guest"),
    vm("remote_shell_client", Kind::Text, "", "how to log in to another host").not_yet(),
    vm("shell_client", Kind::Word(&["ssh", "telnet", "nc"]), "ssh", "how to log in over the network"),
    vm("shell_linesep", Kind::Text, r"\n", r"what ends a line in the guest's shell; `\n` and `\r` are understood").example(r"\r\n"),
    vm("shell_port", PORT, "22", "the port of the shell server in the guest"),
    vm("shell_prompt", Kind::Regex, r"[\#\$]\s*$", "a regular expression for the prompt of the guest's shell"),
    vm("shutdown_command", Kind::Command, "shutdown -h now", "the command that shuts the guest down"),
    vm("ssh_hostkey_check", Kind::Flag, "yes", "a guest whose disk is still the same must show the host key of its first login again"),
    vm("status_test_command", Kind::Command, "echo $?", "the command that prints the exit status of the last command"),
    vm("username", Kind::Text, "root", "the user to log in as"),
];
