use vthost_cartesian::{Config, NoIncludes, Source};

use crate::Params;

use super::*;

fn params(parts: &[(&str, OriginKind)]) -> Params {
    let mut config = Config::new();
    for (text, kind) in parts {
        let source = Source::new("a.cfg", *text);
        config.extend(source, kind.clone(), &NoIncludes).unwrap();
    }
    let variant = config.variants().next().unwrap().unwrap();
    Params::new(&variant)
}

fn own(text: &str) -> Params {
    params(&[(text, OriginKind::Operator)])
}

fn notes(params: &Params) -> Vec<String> {
    params.notes().iter().map(ToString::to_string).collect()
}

/// The keys of the guide, each with what it is now.
#[test]
fn the_old_spellings_of_the_guide_are_accepted() {
    for (old, value, new, expected) in [
        ("bridge", "virbr1", "netdst", "virbr1"),
        ("nic_mode", "tap", "nettype", "bridge"),
        ("nic_mode", "user", "nettype", "user"),
        ("use_telnet", "yes", "shell_client", "telnet"),
        ("use_telnet", "no", "shell_client", "ssh"),
        ("ssh_port", "23", "shell_port", "23"),
        ("ssh_prompt", "#", "shell_prompt", "#"),
        ("cmd_shutdown", "halt", "shutdown_command", "halt"),
        ("cmd_reboot", "reboot", "reboot_command", "reboot"),
        ("start_vm_for_migration", "yes", "migration_mode", "tcp"),
        ("qxl", "on", "vga", "qxl"),
        ("nic_mac", "52:54:00:00:00:01", "mac", "52:54:00:00:00:01"),
        ("test_list", "a b", "unittest_test_list", "a b"),
        ("spice", "disable-ticketing,ipv4=on", "spice_ipv4", "on"),
        (
            "spice",
            "disable-ticketing",
            "spice_disable_ticketing",
            "yes",
        ),
        ("inactivity_treshold", "9", "inactivity_threshold", "9"),
    ] {
        let params = Params::from_pairs([(old, value)]);
        assert_eq!(params.get(new), Some(expected), "{old} = {value}");
        assert_eq!(params.get(old), Some(value), "{old} stays");
        assert_eq!(params.notes().len(), 1, "{old}");
    }
    for (old, value, new) in [
        ("start_vm_for_migration", "no", "migration_mode"),
        ("qxl", "off", "vga"),
    ] {
        let params = Params::from_pairs([(old, value)]);
        assert_eq!(params.get(new), None, "{old} = {value}");
        assert_eq!(
            notes(&params),
            [format!("`{old}` is an old spelling of nothing")]
        );
    }
}

#[test]
fn objects_have_old_spellings_too() {
    let params = own(
        "vms = vm1 dst\nnics = nic1\nbridge_nic1 = b1\nnic_mac_nic1_vm1 = x\nstart_vm_for_migration_dst = yes\n",
    );
    let nic = params.object("vm1").object("nic1");
    assert_eq!(nic.get("netdst"), Some("b1"));
    assert_eq!(nic.get("mac"), Some("x"));
    assert_eq!(params.object("dst").get("migration_mode"), Some("tcp"));
    assert_eq!(params.object("vm1").get("migration_mode"), None);
    assert_eq!(
        notes(&params)[0],
        "`bridge_nic1` is an old spelling of `netdst_nic1` (set at a.cfg:3)"
    );
}

/// `bridge_name` is a key of its own, and `qxl_flavour` may be one of a test.
#[test]
fn a_key_that_only_begins_like_an_old_one_is_left_alone() {
    let params =
        own("vms = vm1\nbridge_name = x\nqxl_dev_nr = 2\nqxl_flavour = y\nssh_portal = z\n");
    assert!(params.notes().is_empty(), "{:?}", params.notes());
    assert_eq!(params.iter().count(), 5);
}

#[test]
fn the_new_spelling_counts_if_both_are_set() {
    let params = own("nics = nic1\nbridge = old\nnetdst = new\nbridge_nic1 = own\n");
    assert_eq!(params.get("netdst"), Some("new"));
    // What is more specific counts, in whichever spelling.
    assert_eq!(params.object("nic1").get("netdst"), Some("own"));
    assert_eq!(
        notes(&params)[0],
        "`bridge` is an old spelling of `netdst`, which is set, too, and counts (set at a.cfg:2)"
    );
}

#[test]
fn what_is_shipped_is_no_reason_to_forget_what_somebody_wrote() {
    let shipped = (
        "shell_port = 22\nvga = std\ninactivity_treshold = 1800\n",
        OriginKind::Default,
    );
    let params = params(&[shipped, ("ssh_port = 23\nqxl = on\n", OriginKind::Operator)]);
    assert_eq!(params.get("shell_port"), Some("23"));
    assert_eq!(params.get("vga"), Some("qxl"));
    // It is accepted, too, and nobody can do anything about it.
    assert_eq!(params.get("inactivity_threshold"), Some("1800"));
    assert_eq!(params.notes().len(), 2);
}

/// Guide, "qxl": it takes precedence over `vga`.
#[test]
fn qxl_wins_over_the_graphics_card() {
    assert_eq!(own("vga = std\nqxl = on\n").get("vga"), Some("qxl"));
    assert_eq!(own("vga = std\nqxl = off\n").get("vga"), Some("std"));
}

#[test]
fn the_origin_is_that_of_the_old_spelling() {
    let provider = OriginKind::Provider("tp-x".to_owned());
    let params = params(&[("nic_mode = tap\n", provider)]);
    assert!(params.origin("nettype").unwrap().is_from_provider());
}
