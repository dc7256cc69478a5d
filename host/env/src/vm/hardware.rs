//! What a machine is made of.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use vthost_qemu::{Binary, MachineSpec};

use super::host_keys::HostKeys;
use crate::pool::RunDir;

/// What a machine is made of: what was asked for, and what was made of it.
#[derive(Debug)]
pub(crate) struct Hardware {
    /// What the parameters ask for, with the images that they name. Machines of which this is equal are interchangeable.
    pub(crate) asked: MachineSpec,
    /// What is started: the same with overlays in place of the images.
    pub(crate) spec: MachineSpec,
    /// The QEMU that runs it.
    pub(crate) binary: Binary,
    /// Where its overlays and sockets are: they are needed for as long as it may be started again.
    pub(crate) dirs: Vec<Arc<RunDir>>,
    /// What tells whether a file below an overlay has been replaced.
    pub(crate) bases: Vec<Option<Stamp>>,
    /// What its guest has shown to those who logged in.
    pub(crate) host_keys: HostKeys,
}

/// A file as it is at a moment: device, inode, size, time of its last change.
pub(crate) type Stamp = (u64, u64, u64, i64, i64);

/// The stamps of the images that a machine asks for; none for one that is not there.
pub(crate) fn stamps(asked: &MachineSpec) -> Vec<Option<Stamp>> {
    let stamp = |path: &Path| {
        let meta = path.metadata().ok()?;
        let (size, time) = (meta.size(), (meta.mtime(), meta.mtime_nsec()));
        Some((meta.dev(), meta.ino(), size, time.0, time.1))
    };
    asked
        .drives
        .iter()
        .map(|drive| stamp(&drive.path))
        .collect()
}

impl Hardware {
    /// Why a machine of this hardware is no machine of `asked`, run by `binary`; none if it is one.
    pub(crate) fn differs(&self, asked: &MachineSpec, binary: &Binary) -> Option<&'static str> {
        if self.asked != *asked {
            Some("its parameters are others now")
        } else if self.binary.path() != binary.path() {
            Some("it runs another QEMU")
        } else if self.bases != stamps(asked) {
            Some("an image of it has changed since")
        } else {
            None
        }
    }
}
