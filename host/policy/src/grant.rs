//! Grants: what the operator allows.

use std::collections::BTreeSet;

/// A grant that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantInfo {
    /// Its name, as in `--grant NAME`.
    pub name: &'static str,
    /// The WIT interface that it links, without its version; none for a grant that concerns keys.
    pub interface: Option<&'static str>,
    /// What it allows, as a warning to the operator.
    pub doc: &'static str,
}

/// All grants, sorted by name.
pub const GRANTS: &[GrantInfo] = &[
    GrantInfo {
        name: "block-devices",
        interface: None,
        doc: "the provider's configuration may name block devices of the host as disks, which guests then write to",
    },
    GrantInfo {
        name: "exec",
        interface: None,
        doc: "the provider's configuration may run commands and programs on the host",
    },
    GrantInfo {
        name: "host-files",
        interface: None,
        doc: "the provider's configuration may name files outside the directories of images and isos",
    },
    GrantInfo {
        name: "host-network",
        interface: None,
        doc: "the guest may reach the network of the host, its loopback services among it",
    },
    GrantInfo {
        name: "kernel",
        interface: None,
        doc: "the provider's configuration may change the host's kernel: modules, huge pages, mounts, devices that are passed through",
    },
    GrantInfo {
        name: "network",
        interface: None,
        doc: "the provider's configuration may change the host's network: bridges, taps, macvtap, the firewall",
    },
    GrantInfo {
        name: "qemu-args",
        interface: None,
        doc: "the provider's configuration may add any option to the command line of QEMU",
    },
    GrantInfo {
        name: "qemu-binary",
        interface: None,
        doc: "the provider's configuration may choose the program that is run as QEMU",
    },
    GrantInfo {
        name: "raw-qmp",
        interface: Some("vthost:host/raw-qmp"),
        doc: "the pack may send any command to QEMU's monitor",
    },
];

/// A name that is not a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no grant `{0}`; known are {known}", known = names())]
pub struct UnknownGrant(pub String);

fn names() -> String {
    let names: Vec<_> = GRANTS
        .iter()
        .map(|grant| format!("`{}`", grant.name))
        .collect();
    names.join(", ")
}

/// What the operator granted. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<&'static str>);

impl Grants {
    /// The grants of these names.
    ///
    /// # Errors
    /// [`UnknownGrant`] for the first name that is none, so that a typing error does not read as a denial later.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, UnknownGrant> {
        names
            .into_iter()
            .map(|name| {
                let name = name.as_ref();
                GRANTS
                    .iter()
                    .find(|grant| grant.name == name)
                    .map(|grant| grant.name)
                    .ok_or_else(|| UnknownGrant(name.to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Every grant there is: for asking a pack what it has, where nothing is behind the interfaces.
    pub fn all() -> Self {
        Self(GRANTS.iter().map(|grant| grant.name).collect())
    }

    /// Whether the operator gave this grant.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_grant_is_refused_with_the_known_ones() {
        let error = Grants::new(["raw-qmp", "everything"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no grant `everything`; known are `block-devices`, `exec`, `host-files`, `host-network`, `kernel`, `network`, `qemu-args`, `qemu-binary`, `raw-qmp`"
        );
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert!(
            GRANTS
                .iter()
                .all(|grant| !Grants::default().has(grant.name))
        );
        assert!(GRANTS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
