//! Parameters that a test changes while it runs.

use std::sync::Arc;

use crate::registry::{find, grant_of};
use crate::table::{Entry, Table};
use crate::view::Params;

impl Params {
    /// These parameters with other values for the object whose view this is, and for nobody else: on the view of the image
    /// `stg` of `vm1`, a change of `image_size` is `image_size_stg_vm1`. The changed values have no origin, because no
    /// configuration set them.
    #[must_use]
    pub fn with<'a>(&self, changes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let names = self.named_objects().iter().rev();
        let suffix: String = names.map(|name| format!("_{name}")).collect();
        let changed = changes.into_iter().map(|(key, value)| Entry {
            key: format!("{key}{suffix}").into(),
            value: value.into(),
            origin: None,
            spelled: None,
        });
        let entries = self.table().starting_with("").cloned().chain(changed);
        self.over(Arc::new(Table::new(entries.collect())))
    }

    /// The first of these changes that does something to the host, and the grant for it. A test that makes a change is as
    /// little trusted as the configuration of its pack.
    pub fn host_effect<'a>(
        changes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<(&'a str, &'static str)> {
        changes
            .into_iter()
            .find_map(|(key, value)| Some((key, grant_of(find(key)?, value)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_for_one_object() {
        let params = Params::from_pairs([
            ("mem", "512"),
            ("mem_vm1", "1024"),
            ("image_size_stg", "1G"),
        ]);
        let vm1 = params.object("vm1").with([("mem", "2048"), ("smp", "4")]);
        assert_eq!((vm1.get("mem"), vm1.get("smp")), (Some("2048"), Some("4")));
        assert_eq!(vm1.object("stg").get("image_size"), Some("1G"));
        let stg = vm1.object("stg").with([("image_size", "2G")]);
        assert_eq!(stg.get("image_size"), Some("2G"));
        assert_eq!(stg.object_name(), "stg");
        assert!(stg.origin("image_size").is_none());
        assert_eq!(params.object("vm1").get("mem"), Some("1024"));
        assert_eq!(
            params.object("vm2").with([("mem", "1")]).get("mem"),
            Some("1")
        );
    }

    #[test]
    fn a_change_that_reaches_the_host_is_found() {
        let harmless = [
            ("mem", "512"),
            ("image_name", "images/x"),
            ("hello", "world"),
        ];
        assert_eq!(Params::host_effect(harmless), None);
        for (key, value) in [
            ("qemu_binary", "/bin/sh"),
            ("extra_params_vm1", "-S"),
            ("image_name_stg", "/etc/shadow"),
            ("nic_mode", "tap"),
        ] {
            let found = Params::host_effect([("mem", "1"), (key, value)]);
            assert_eq!(found.map(|(key, _)| key), Some(key), "{key}");
        }
    }
}
