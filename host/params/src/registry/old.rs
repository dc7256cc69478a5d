//! Keys: old spellings, and keys that are gone.

use super::key::{How, Key, key};
use super::kind::{Kind, PORT};
use super::objects::{NIC, Objects, VM};

const TO_NETTYPE: &[(&str, &str)] = &[("tap", "bridge")];
const TO_CLIENT: &[(&str, &str)] = &[
    ("yes", "telnet"),
    ("on", "telnet"),
    ("true", "telnet"),
    ("no", "ssh"),
    ("off", "ssh"),
    ("false", "ssh"),
];
const TO_MODE: &[(&str, &str)] = &[
    ("yes", "tcp"),
    ("on", "tcp"),
    ("true", "tcp"),
    ("no", ""),
    ("off", ""),
    ("false", ""),
];
const TO_VGA: &[(&str, &str)] = &[
    ("yes", "qxl"),
    ("on", "qxl"),
    ("true", "qxl"),
    ("no", ""),
    ("off", ""),
    ("false", ""),
];

const fn old(
    name: &'static str,
    kind: Kind,
    objects: Objects,
    to: &'static str,
    how: How,
    doc: &'static str,
) -> Key {
    key(name, kind, "", doc).of(objects).now(to, how)
}

const fn gone(name: &'static str, kind: Kind, reason: &'static str, doc: &'static str) -> Key {
    key(name, kind, "", doc).ignored(reason)
}

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    old("bridge", Kind::Text, VM.and(NIC), "netdst", How::Same, "the bridge of a network card"),
    old("cmd_reboot", Kind::Command, VM, "reboot_command", How::Same, "the command that reboots the guest"),
    old("cmd_shutdown", Kind::Command, VM, "shutdown_command", How::Same, "the command that shuts the guest down"),
    gone("extra_configure_options", Kind::Text, "vthost builds no QEMU", "options for building QEMU"),
    old("guest_port_file_tranfer", PORT, VM, "guest_port_file_transfer", How::Same, "the guide's other spelling"),
    old("inactivity_treshold", Kind::Seconds, VM, "inactivity_threshold", How::Same, "seconds without a change on the screen after which a guest counts as inactive"),
    gone("iterations", Kind::Text, "name a test several times to run it several times", "how often a test is run"),
    gone("migration_dst", Kind::Text, "a migration makes its destination by itself", "the machine that is the destination of a migration"),
    gone("migration_src", Kind::Text, "a migration begins at the machine that the test says", "the machine that is the source of a migration"),
    old("nic_mac", Kind::Mac, VM.and(NIC), "mac", How::Same, "the MAC address of a network card"),
    old("nic_mode", Kind::Word(&["user", "tap"]), VM.and(NIC), "nettype", How::Words(TO_NETTYPE), "how a network card reaches the host"),
    gone("numanode", Kind::Text, "the reference does not read it either", "the node of the host that the guest is bound to").of(VM),
    old("qxl", Kind::Flag, VM, "vga", How::Over(TO_VGA), "the graphics card is `qxl`; it wins over `vga`"),
    gone("run_tcpdump", Kind::Flag, "the reference does not read it either", "record the packets of the host"),
    old("spice", Kind::Options, VM, "spice_*", How::Spice, "options of the SPICE server, each a key of its own: `spice_ipv4`"),
    old("ssh_port", PORT, VM, "shell_port", How::Same, "the port of the shell server in the guest"),
    old("ssh_prompt", Kind::Regex, VM, "shell_prompt", How::Same, "a regular expression for the prompt of the guest's shell"),
    old("start_vm_for_migration", Kind::Flag, VM, "migration_mode", How::Words(TO_MODE), "start the machine as the destination of a migration"),
    old("test_list", Kind::List, Objects::TEST, "unittest_test_list", How::Same, "the unit tests of KVM to run"),
    old("use_telnet", Kind::Flag, VM, "shell_client", How::Words(TO_CLIENT), "log in by telnet, not by ssh"),
    gone("user_git_repo", Kind::Text, "vthost builds no QEMU", "where the source of QEMU comes from"),
    gone("virt_test_type", Kind::Text, "the backend of a test is known by its place in the provider", "the backend that a test is for"),
];
