//! The ssh host keys of a guest.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use vthost_guest::HostKeyPolicy;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::Media;

/// The fingerprints that a guest has shown first, by the port of its shell server. They belong to its disk: a machine
/// whose disk was replaced has none yet.
#[derive(Debug, Default)]
pub(crate) struct HostKeys(Mutex<BTreeMap<u16, String>>);

impl HostKeys {
    /// What the guest must show at this port.
    pub(crate) fn policy(&self, port: u16) -> HostKeyPolicy {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&port) {
            Some(key) => HostKeyPolicy::Pinned(key.clone()),
            None => HostKeyPolicy::AcceptAny,
        }
    }

    /// The guest has shown this key. The first one counts.
    pub(crate) fn saw(&self, port: u16, key: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(port).or_insert_with(|| key.to_owned());
    }

    /// The guest counts as having shown another key.
    #[cfg(test)]
    pub(crate) fn replace(&self, port: u16, key: &str) {
        self.0.lock().unwrap().insert(port, key.to_owned());
    }
}

/// Whether a guest can keep its host keys over a boot: it has a disk that keeps what is written. One without makes new
/// keys each time.
pub(crate) fn are_kept(spec: &MachineSpec) -> bool {
    let mut drives = spec.drives.iter();
    drives.any(|drive| drive.media == Media::Disk && !drive.read_only && !drive.snapshot)
}

#[cfg(test)]
mod tests {
    use vthost_qemu::spec::{Drive, DriveFormat, DriveInterface};

    use super::*;

    #[test]
    fn the_first_key_of_each_port_counts() {
        let keys = HostKeys::default();
        assert_eq!(keys.policy(22), HostKeyPolicy::AcceptAny);
        keys.saw(22, "SHA256:a");
        keys.saw(22, "SHA256:b");
        assert_eq!(
            keys.policy(22),
            HostKeyPolicy::Pinned("SHA256:a".to_owned())
        );
        assert_eq!(keys.policy(2222), HostKeyPolicy::AcceptAny);
    }
    #[test]
    fn keys_are_kept_on_a_disk_that_keeps_what_is_written() {
        let mut spec = MachineSpec::new("vm1");
        assert!(!are_kept(&spec));
        let on = DriveInterface::VirtioBlk;
        spec.drives = vec![Drive::disk("a", "/a", DriveFormat::Raw, on)];
        assert!(are_kept(&spec));
        spec.drives[0].snapshot = true;
        assert!(!are_kept(&spec));
    }
}
