//! Which monitor commands a pack may run without the grant `raw-qmp`.

use crate::{Denial, Rule};

/// Commands that change nothing outside the machine: no path, no address, no program in their arguments.
/// Everything that starts with `query-` is allowed too.
const ALLOWED: &[&str] = &[
    "announce-self",
    "balloon",
    "cont",
    "device-list-properties",
    "input-send-event",
    "inject-nmi",
    "qom-get",
    "qom-list",
    "qom-list-properties",
    "qom-list-types",
    "quit",
    "rtc-reset-reinjection",
    "send-key",
    "set_link",
    "stop",
    "system_powerdown",
    "system_reset",
    "system_wakeup",
];

/// Checks a monitor command against the allow-list.
///
/// # Errors
/// A [`Denial`] that names the grant, if the command is not on the list.
pub fn check_qmp(command: &str, pack: &str) -> Result<(), Denial> {
    if command.starts_with("query-") || ALLOWED.contains(&command) {
        return Ok(());
    }
    Err(Denial {
        rule: Rule::UnlistedCommand,
        tried: format!("the monitor command `{command}`"),
        by: format!("pack {pack}"),
        grant: Some("raw-qmp"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_reach_outside_are_denied() {
        for command in ["query-status", "stop", "system_reset"] {
            assert_eq!(check_qmp(command, "p"), Ok(()));
        }
        for command in [
            "human-monitor-command",
            "migrate",
            "blockdev-add",
            "chardev-add",
            "dump-guest-memory",
            "screendump",
            "QUERY-status",
            " query-status",
        ] {
            assert!(check_qmp(command, "p").is_err(), "{command}");
        }
    }
}
