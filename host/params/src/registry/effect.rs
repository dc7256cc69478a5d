//! What a key does to the host.

use vthost_cartesian::{Origin, Variant};

use super::{Key, Names, State, all, find};
use crate::legacy;

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
    /// Every value but these and the empty one.
    Not(&'static [&'static str]),
    /// A path that is not below one of these directories of the data directory: an absolute one, one with `..` in it, one
    /// that begins elsewhere.
    Outside(&'static [&'static str]),
}

/// The words that are `yes`.
pub(super) const YES: &[&str] = &["yes", "on", "true"];
/// The words that are `no`.
pub(super) const NO: &[&str] = &["no", "off", "false"];

impl When {
    /// Whether `value` has the effect.
    pub fn applies(self, value: &str) -> bool {
        match self {
            _ if value.trim().is_empty() => false,
            Self::Set => true,
            Self::Not(words) => !words.contains(&value.trim()),
            Self::Outside(dirs) => {
                let is_inside = dirs.iter().any(|dir| {
                    let rest = value.strip_prefix(dir);
                    rest.is_some_and(|rest| rest.starts_with('/'))
                });
                !is_inside || value.split('/').any(|part| part == "..")
            }
        }
    }

    /// Which values they are, in words that follow the name of the grant; empty for all.
    pub fn describe(self) -> String {
        match self {
            Self::Set => String::new(),
            Self::Not(YES) => ", if it is not `yes`".to_owned(),
            Self::Not(NO) => ", if it is not `no`".to_owned(),
            Self::Not(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!(", unless it is {}", words.join(" or "))
            }
            Self::Outside(dirs) => {
                let dirs: Vec<String> = dirs.iter().map(|dir| format!("`{dir}/`")).collect();
                let dirs = dirs.join(" or ");
                format!(", if the path does not begin with {dirs}, or has `..` in it")
            }
        }
    }
}

/// A key of a variant that does something to the host.
#[derive(Debug, Clone)]
pub struct HostEffect<'v> {
    /// The key, as it is written.
    pub key: &'v str,
    /// The name of the grant that it needs if a provider set it.
    pub grant: &'static str,
    /// Where it was set.
    pub origin: Origin,
}

/// Keys of tests that look like the key of an object, and are none unless an object is called so.
#[rustfmt::skip]
const LOOK_ALIKE: &[&str] = &[
    "cdrom_check_cdrom_pattern", "cdrom_get_cdrom_cmd", "cdrom_info_cmd", "cdrom_max_test_times", "cdrom_test",
    "cdrom_test_autounlock", "cdrom_test_cmd", "cdrom_test_eject", "cdrom_test_file_operation", "cdrom_test_locked",
    "cdrom_test_tray_status", "cdrom_whql", "kernel_config", "kernel_config_list", "kernel_deps_rpms",
    "kernel_extra_params_add", "kernel_extra_params_remove", "kernel_extra_params_serial_login", "kernel_git_repo",
    "kernel_hp_file", "kernel_options_exist", "kernel_options_not_exist", "kernel_param_cmd", "kernel_patch_list",
    "kernel_rpm_path", "kernel_src_pkg", "kernel_tag",
];

/// What the keys of a variant do to the host, old spellings among them. Keys that vthost does not read have no effect.
///
/// A variant has hundreds of keys and few of these, so they are looked for by their names: `image_name`, and
/// `image_name_vm1` behind it. What stands behind the key counts as the name of an object, whether there is such an object
/// or not: a test may make one. Only another key that is known is none, unless an object of the test is called so.
pub fn effects_of(variant: &Variant) -> impl Iterator<Item = HostEffect<'_>> {
    all().effects.iter().flat_map(move |known| {
        let entries = variant.entries_from(known.name);
        entries.filter_map(move |(key, value, origin)| {
            let suffix = key.strip_prefix(known.name)?;
            if !(suffix.is_empty() || suffix.starts_with('_')) {
                return None;
            }
            let grant = grant_of(known, value)?;
            let is_another = LOOK_ALIKE.binary_search(&key).is_ok()
                || find(key).is_none_or(|found| found.name != known.name);
            if is_another && !(origin.is_from_provider() && names_of(variant).are(suffix)) {
                return None;
            }
            Some(HostEffect { key, grant, origin })
        })
    })
}

/// The names of the objects of a variant.
fn names_of(variant: &Variant) -> Names<'_> {
    let mut names = Names::new();
    for list in &all().lists {
        for (key, value, _) in variant.entries_from(list.name) {
            names.add(key, value);
        }
    }
    names
}

/// The grant that a provider needs to set the key to the value.
pub(crate) fn grant_of(known: &'static Key, value: &str) -> Option<&'static str> {
    let effect = |key: &Key, value: &str| {
        let effect = key.effect.filter(|_| key.state == State::Works)?;
        effect.when.applies(value).then_some(effect.grant)
    };
    let State::Legacy { how, .. } = known.state else {
        return effect(known, value);
    };
    let mapped = legacy::mapped(known, how, value);
    mapped
        .into_iter()
        .find_map(|(name, value)| effect(find(&name)?, &value))
}

/// Whether the policy has to look at a key: what is not read has no effect.
pub(super) fn is_looked_at(key: &Key) -> bool {
    match key.state {
        State::Works => key.effect.is_some(),
        State::Legacy { .. } => true,
        State::Ignored(_) | State::NotYet => false,
    }
}

#[cfg(test)]
mod tests {
    use vthost_cartesian::{Config, NoIncludes, OriginKind, Source};

    use super::*;

    #[test]
    fn what_is_not_on_may_be_off() {
        let off = When::Not(YES);
        assert!(
            ["no", "off", "false", "maybe"]
                .iter()
                .all(|value| off.applies(value))
        );
        assert!(
            !["yes", "on", "true", "", " "]
                .iter()
                .any(|value| off.applies(value))
        );
    }

    #[test]
    fn a_path_that_leaves_the_images_has_an_effect() {
        let images = When::Outside(&["images"]);
        for outside in [
            "/etc/shadow",
            "images/../../x",
            "~/x",
            "..",
            "images",
            "imagesx/y",
            "job-results/latest/x",
        ] {
            assert!(images.applies(outside), "{outside}");
        }
        for inside in ["images/jeos", "images/a..b/c", ""] {
            assert!(!images.applies(inside), "{inside}");
        }
    }

    /// The keys with an effect, each with its grant.
    fn found(text: &str) -> Vec<(String, &'static str)> {
        let source = Source::new("a.cfg", text);
        let provider = OriginKind::Provider("tp-x".to_owned());
        let config = Config::parse(source, provider, &NoIncludes).unwrap();
        let variant = config.variants().next().unwrap().unwrap();
        let found = effects_of(&variant);
        let mut found: Vec<_> = found
            .map(|effect| (effect.key.to_owned(), effect.grant))
            .collect();
        found.sort_unstable();
        found
    }

    fn keys(text: &str) -> Vec<String> {
        found(text).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn old_spellings_have_the_effect_of_the_new_ones() {
        let text = "nic_mode_nic1 = tap\nnic_mode_nic2 = user\nextra_params_vm1 = -S\nimage_name = images/x\n\
                    pre_command_timeout = 5\n";
        assert_eq!(
            found(text),
            [
                ("extra_params_vm1".to_owned(), "qemu-args"),
                ("nic_mode_nic1".to_owned(), "network")
            ]
        );
    }

    #[test]
    fn an_object_that_is_called_like_another_key_hides_nothing() {
        // For a machine `params`, this is its `kernel`; for a drive `test`, this is its CD.
        let text = "kernel_params = /boot/x\ncdrom_test = /etc/shadow\n";
        assert_eq!(keys(text), [""; 0]);
        let text = format!("vms = params\ncdroms_params = test\n{text}");
        assert_eq!(keys(&text), ["cdrom_test", "kernel_params"]);
        // Nobody knows which objects a test makes.
        assert_eq!(keys("cdrom_made = /etc/shadow\n"), ["cdrom_made"]);
        assert_eq!(keys("kernelx = /boot/x\n"), [""; 0]);
    }

    #[test]
    fn what_is_not_read_has_no_effect() {
        assert_eq!(
            keys("storage_type = iscsi\nimage_clone_command = rm\n"),
            [""; 0]
        );
    }

    #[test]
    fn the_keys_of_tests_are_sorted() {
        assert!(LOOK_ALIKE.is_sorted());
    }
}
