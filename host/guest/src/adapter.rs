//! Guest operating systems as data: what differs between them is in one table.

/// How to talk to one kind of guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestOs {
    /// The value of the parameter `os_type`.
    pub name: &'static str,
    /// The shell prompt, matched in the last non-empty line (default of the parameter `shell_prompt`).
    pub shell_prompt: &'static str,
    /// What ends a line that is sent (default of the parameter `shell_linesep`).
    pub shell_linesep: &'static str,
    /// Prints the status of the last command (default of the parameter `status_test_command`). The sessions of this crate
    /// do not need it; it is for tests that drive a shell by hand.
    pub status_test_command: &'static str,
    /// Restarts the guest (default of the parameter `reboot_command`).
    pub reboot_command: &'static str,
    /// Powers the guest off (default of the parameter `shutdown_command`).
    pub shutdown_command: &'static str,
    /// The prompts of a console login.
    pub login: LoginPatterns,
}

/// Regular expressions for the dialogue of a console login, each matched in the last non-empty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginPatterns {
    /// The guest asks for a user name.
    pub user_prompt: &'static str,
    /// Lines that look like `user_prompt` but are not.
    pub not_user_prompt: &'static str,
    /// The guest asks for the password.
    pub password_prompt: &'static str,
    /// The guest stopped in its boot and asks for the password of root alone.
    pub maintenance_prompt: &'static str,
    /// The guest refuses; matched anywhere in the output since the password was sent.
    pub refused: &'static str,
    /// The guest wants a key pressed before it offers a login.
    pub press_key: &'static str,
}

/// Linux, and what is close enough to it.
pub const LINUX: GuestOs = GuestOs {
    name: "linux",
    shell_prompt: r"[\#\$]\s*$",
    shell_linesep: "\n",
    status_test_command: "echo $?",
    reboot_command: "shutdown -r now",
    shutdown_command: "shutdown -h now",
    login: LoginPatterns {
        user_prompt: r"(?i)(?:\blogin|username):\s*$",
        not_user_prompt: r"(?i)\blast (?:failed )?login:",
        password_prompt: r"(?i)\bpassword(?: for [^:]+)?:\s*$",
        maintenance_prompt: r"(?i)\(or (?:press|type) Control-D to continue\):\s*$",
        refused: r"(?i)login incorrect|incorrect password|permission denied|authentication failure|maximum number of tries",
        press_key: r"(?i)press enter to activate this console|press any key to continue",
    },
};

/// Every known guest operating system.
pub const GUEST_OSES: &[GuestOs] = &[LINUX];

/// The adapter for a value of `os_type`.
#[must_use]
pub fn guest_os(name: &str) -> Option<&'static GuestOs> {
    GUEST_OSES.iter().find(|os| os.name == name)
}
