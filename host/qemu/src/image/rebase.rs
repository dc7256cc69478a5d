//! `qemu-img commit` and `rebase`: what changes the images below an image.

use std::path::Path;

use super::confine::Access;
use super::reference::absolute;
use super::{ImageError, ImageRef, Progress, QemuImg};

impl QemuImg {
    /// Writes the data of an image into the one below it, or into `base` further below. `keep` leaves the image as it
    /// is; otherwise it is emptied. With a `base` it is always left.
    ///
    /// The images below are written to: only for chains that belong to the test, not for base images.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn commit(
        &self,
        image: &ImageRef,
        base: Option<&Path>,
        keep: bool,
        progress: Option<Progress<'_>>,
    ) -> Result<(), ImageError> {
        let call = self.call("commit").flag("-p", progress.is_some());
        let call = match base {
            Some(base) => call.value("-b", absolute(base)?),
            None => call.flag("-d", keep),
        };
        let call = call.image(image, Access::WriteAll)?;
        call.run_with(progress).await.map(drop)
    }

    /// Puts an image on another image below it, or on none; what the disk holds stays the same. `compressed`: compress
    /// what has to be copied for that.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn rebase(
        &self,
        image: &ImageRef,
        backing: Option<&ImageRef>,
        compressed: bool,
        progress: Option<Progress<'_>>,
    ) -> Result<(), ImageError> {
        let call = self.call("rebase").flag("-p", progress.is_some());
        let mut call = call.flag("-c", compressed);
        if let Some(backing) = backing {
            call.files.image(backing, Access::Read)?;
            let name = backing.backing_name()?;
            call = call.value("-b", name).value("-F", backing.format.driver());
        } else {
            call = call.value("-b", "");
        }
        let call = call.image(image, Access::Write)?;
        call.run_with(progress).await.map(drop)
    }

    /// Changes only what an image says about the image below it, as after that one was moved or renamed. If the other
    /// holds other data, so does the disk afterwards. No image below is opened.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn rebase_unsafe(
        &self,
        image: &ImageRef,
        backing: Option<&ImageRef>,
    ) -> Result<(), ImageError> {
        let call = self.call("rebase").option("-u");
        let call = match backing {
            Some(backing) => {
                let name = backing.backing_name()?;
                call.value("-b", name).value("-F", backing.format.driver())
            }
            None => call.value("-b", ""),
        };
        // The image below may be gone: that is what the call is for.
        let call = call.image(image, Access::WriteAlone)?;
        call.run().await.map(drop)
    }
}
