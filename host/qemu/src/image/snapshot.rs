//! `qemu-img snapshot`.

use super::confine::Access;
use super::{ImageError, ImageRef, QemuImg, Snapshot};

/// What is done with an internal snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotAction {
    /// Make it.
    Create,
    /// Bring its disk back.
    Apply,
    /// Remove it.
    Delete,
}

impl QemuImg {
    /// The internal snapshots of an image.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn snapshots(&self, image: &ImageRef) -> Result<Vec<Snapshot>, ImageError> {
        self.info(image).await.map(|info| info.snapshots)
    }

    /// Makes, applies or removes an internal snapshot, by its name.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn snapshot(
        &self,
        image: &ImageRef,
        action: SnapshotAction,
        name: &str,
    ) -> Result<(), ImageError> {
        let option = match action {
            SnapshotAction::Create => "-c",
            SnapshotAction::Apply => "-a",
            SnapshotAction::Delete => "-d",
        };
        let call = self.call("snapshot").option("-q").value(option, name);
        call.image(image, Access::Write)?.run().await.map(drop)
    }
}
