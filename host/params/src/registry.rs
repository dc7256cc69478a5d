//! Every key that vthost itself reads, in one table: what it means, its default, and what it does to the host.
//!
//! Tests read many more keys; those are theirs. The table is what documentation, checks and the policy are made of.

/// What a key does to the host when it is set: a provider that sets it needs the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The name of the grant (`vthost_policy::GRANTS`).
    pub grant: &'static str,
    /// Which values have the effect.
    pub when: When,
}

/// Which values of a key have an effect on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every value that is not empty.
    Set,
    /// The words that turn it off, and everything that is no such word.
    Off,
    /// A path that is not below the directory of images: an absolute one, one with `..` in it, one that begins elsewhere.
    OutsideImages,
}

impl When {
    /// Whether `value` has the effect.
    pub fn applies(self, value: &str) -> bool {
        match self {
            Self::Set => !value.trim().is_empty(),
            Self::Off => !matches!(value.trim(), "" | "yes" | "on" | "true"),
            Self::OutsideImages => {
                !value.is_empty()
                    && (!value.starts_with("images/") || value.split('/').any(|part| part == ".."))
            }
        }
    }
}

/// A key that vthost reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// The value when it is not set; empty where there is none.
    pub default: &'static str,
    /// Whether an object has its own: `mem_vm1`.
    pub per_object: bool,
    /// What it does to the host.
    pub effect: Option<Effect>,
}

const fn key(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        default,
        per_object: false,
        effect: None,
    }
}

const fn of_object(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        default,
        per_object: true,
        effect: None,
    }
}

const fn with_effect(key: Key, grant: &'static str, when: When) -> Key {
    Key {
        effect: Some(Effect { grant, when }),
        ..key
    }
}

/// All keys, sorted by name: a table, a key a line.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    of_object("boot_menu", "off", "show the boot menu of the firmware"),
    of_object("boot_order", "cdn", "the order of boot devices"),
    of_object("boot_strict", "off", "boot from nothing but the boot order"),
    of_object("console_ready_pattern", "", "a regular expression that the guest's console prints when the guest can be logged in to"),
    of_object("cpu_model", "", "the processor model, as QEMU names it; one that suits the accelerator if it is not set"),
    of_object("cpu_model_flags", "", "flags added to the processor model, as `,+rdrand`"),
    of_object("display", "vnc", "the display: `vnc` or `nographic`"),
    of_object("drive_cache", "", "the cache mode of an image: `none`, `writeback`, `unsafe`"),
    of_object("drive_format", "virtio", "the bus of an image: `virtio`, `ide` (also `ahci`), `scsi-hd`"),
    of_object("enable_kvm", "yes", "use KVM where it really works"),
    of_object("enable_pvpanic", "yes", "give the machine a device that reports a crash of its guest"),
    with_effect(of_object("extra_params", "", "options added to the command line of QEMU as they are"), "qemu-args", When::Set),
    of_object("image_format", "qcow2", "the format of an image: `qcow2` or `raw`"),
    with_effect(of_object("image_name", "", "the path of an image without the ending of its format, relative to the data directory"), "host-files", When::OutsideImages),
    of_object("images", "", "the images of a machine"),
    of_object("kill_timeout", "60", "seconds that a graceful end may take, 600 at most"),
    of_object("kill_vm_gracefully", "no", "let the guest shut itself down before its machine is taken down"),
    of_object("login_timeout", "240", "seconds that a login may take, from its start to the prompt"),
    of_object("machine_type", "pc", "the machine, as QEMU names it"),
    key("main_vm", "", "the machine that a test means when it names none"),
    of_object("mem", "1024", "memory in MiB"),
    with_effect(of_object("net_restrict", "yes", "cut the guest off from the host and its network, but for the forwarded ports"), "host-network", When::Off),
    of_object("nettype", "user", "how a network card reaches the host: `user`"),
    of_object("nic_model", "virtio", "the model of a network card: `virtio`, `e1000`, `rtl8139`"),
    of_object("nics", "", "the network cards of a machine"),
    of_object("password", "", "the password of `username` in the guest"),
    of_object("paused_after_start_vm", "no", "leave the processors stopped when a machine has been started"),
    with_effect(of_object("qemu_binary", "", "the QEMU to run; the first of the search path if it is not set"), "qemu-binary", When::Set),
    of_object("reboot_command", "shutdown -r now", "the command that reboots the guest"),
    of_object("serials", "", "the serial ports of a machine"),
    of_object("shell_client", "ssh", "how to log in over the network: `ssh`"),
    of_object("shell_linesep", r"\n", r"what ends a line in the guest's shell; `\n` and `\r` are understood"),
    of_object("shell_port", "22", "the port of the shell server in the guest"),
    of_object("shell_prompt", r"[\#\$]\s*$", "a regular expression for the prompt of the guest's shell"),
    of_object("shutdown_command", "shutdown -h now", "the command that shuts the guest down"),
    of_object("smp", "2", "the number of processors"),
    of_object("start_vm", "yes", "start the machine before the test"),
    key("test_timeout", "14400", "seconds that a test may take; the host ends it then (`limit:deadline`)"),
    key("type", "", "the test in the pack that the variant runs"),
    of_object("username", "root", "the user to log in as"),
    of_object("vga", "std", "the graphics card: `std`, `virtio`, `cirrus`, `qxl`, `none`"),
    key("vms", "", "the machines of the test"),
];

/// The keys that do something to the host when they are set, in order, each with what it does.
pub fn effects() -> impl Iterator<Item = (&'static Key, Effect)> {
    KEYS.iter().filter_map(|key| Some((key, key.effect?)))
}

/// The entry of a key, also for the key of an object: `mem_vm1` finds `mem`.
pub fn find(name: &str) -> Option<&'static Key> {
    let exact = |name: &str| {
        KEYS.binary_search_by(|key| key.name.cmp(name))
            .ok()
            .map(|index| &KEYS[index])
    };
    exact(name).or_else(|| {
        name.match_indices('_')
            .rev()
            .find_map(|(at, _)| exact(&name[..at]).filter(|key| key.per_object))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_documented() {
        assert!(KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(KEYS.iter().all(|key| !key.doc.is_empty()));
    }

    #[test]
    fn an_object_key_is_found_by_its_stem() {
        assert_eq!(find("mem_vm1").map(|key| key.name), Some("mem"));
        assert_eq!(
            find("image_name_image1").map(|key| key.name),
            Some("image_name")
        );
        assert_eq!(find("test_timeout_vm1"), None);
        assert_eq!(find("nonsense"), None);
    }

    #[test]
    fn what_is_not_on_may_be_off() {
        assert!(
            ["no", "off", "false", "maybe"]
                .iter()
                .all(|value| When::Off.applies(value))
        );
        assert!(
            !["yes", "on", "true", ""]
                .iter()
                .any(|value| When::Off.applies(value))
        );
    }

    #[test]
    fn a_path_that_leaves_the_images_has_an_effect() {
        for outside in [
            "/etc/shadow",
            "images/../../x",
            "~/x",
            "..",
            "job-results/latest/x",
        ] {
            assert!(When::OutsideImages.applies(outside), "{outside}");
        }
        for inside in ["images/jeos", "images/a..b/c", ""] {
            assert!(!When::OutsideImages.applies(inside), "{inside}");
        }
    }
}
