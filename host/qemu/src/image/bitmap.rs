//! `qemu-img bitmap`.

use super::confine::Access;
use super::{ImageError, ImageRef, QemuImg};

/// What is done with a persistent bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitmapAction<'a> {
    /// Make it; it records from then on. With the bytes per bit, a power of two.
    Add(Option<u64>),
    /// Remove it.
    Remove,
    /// Forget what it has recorded.
    Clear,
    /// Record from now on.
    Enable,
    /// Record no longer.
    Disable,
    /// Add what this other bitmap of the same image has recorded.
    Merge(&'a str),
}

impl QemuImg {
    /// Does something with a persistent bitmap of a qcow2 image.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn bitmap(
        &self,
        image: &ImageRef,
        name: &str,
        action: BitmapAction<'_>,
    ) -> Result<(), ImageError> {
        let call = self.call("bitmap");
        let call = match action {
            BitmapAction::Add(granularity) => call.option("--add").maybe("-g", granularity),
            BitmapAction::Remove => call.option("--remove"),
            BitmapAction::Clear => call.option("--clear"),
            BitmapAction::Enable => call.option("--enable"),
            BitmapAction::Disable => call.option("--disable"),
            BitmapAction::Merge(source) => call.value("--merge", source),
        };
        let call = call.image(image, Access::Write)?.operand(name);
        call.run().await.map(drop)
    }
}
