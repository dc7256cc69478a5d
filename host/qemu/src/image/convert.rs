//! `qemu-img convert`.

use super::confine::Access;
use super::reference::Options;
use super::staged::Staged;
use super::{ImageError, ImageRef, NewImage, Progress, QemuImg};

/// Where a copy goes.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Into a new image, which appears when it is complete. The size of its disk is that of the source;
    /// [`NewImage::size`] has to be `None`.
    New(&'a NewImage),
    /// As [`Self::New`]; a file that is there is replaced.
    Replace(&'a NewImage),
    /// Into an image that exists and is large enough, such as an export of an NBD server.
    Existing(&'a ImageRef),
}

/// How an image is copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Compress what is written.
    pub compressed: bool,
    /// Copy an internal snapshot, by its name.
    pub snapshot: Option<String>,
    /// Bytes that have to be zero to become a hole; 0 allocates everything. Default: 4 KiB.
    pub sparse_size: Option<u64>,
    /// The target reads as zeros already. For [`Target::Existing`].
    pub target_is_zero: bool,
    /// At most so many bytes per second.
    pub rate: Option<u64>,
    /// How many requests at once, 1 to 16. Default: 8.
    pub parallel: Option<u8>,
    /// Write in any order: faster for targets without an allocation.
    pub out_of_order: bool,
    /// Copy persistent bitmaps, too.
    pub bitmaps: bool,
    /// Leave out bitmaps that are inconsistent, instead of failing.
    pub skip_broken_bitmaps: bool,
    /// Go on after read errors.
    pub salvage: bool,
}

impl QemuImg {
    /// Copies the disk of an image into another image.
    ///
    /// # Errors
    /// [`ImageError::Argument`] for a new image with a size; [`ImageError::File`] if it exists; see [`QemuImg`].
    pub async fn convert(
        &self,
        source: &ImageRef,
        target: Target<'_>,
        options: &ConvertOptions,
        progress: Option<Progress<'_>>,
    ) -> Result<(), ImageError> {
        let call = self
            .call("convert")
            .flag("-p", progress.is_some())
            .flag("-c", options.compressed)
            .maybe("-S", options.sparse_size)
            .flag("--target-is-zero", options.target_is_zero)
            .maybe("-r", options.rate)
            .maybe("-m", options.parallel)
            .flag("-W", options.out_of_order)
            .flag("--bitmaps", options.bitmaps)
            .flag("--skip-broken-bitmaps", options.skip_broken_bitmaps)
            .flag("--salvage", options.salvage)
            .flag("-U", source.shared);
        let call = match &options.snapshot {
            Some(name) => {
                let mut text = Options::default();
                text.put("snapshot.name", name);
                call.value("-l", text.finish())
            }
            None => call,
        };
        let call = call.image(source, Access::Read)?;
        let (new, replace) = match target {
            Target::Existing(image) => {
                let call = call.option("-n").option("--target-image-opts");
                let call = call.another(image, Access::Write)?;
                return call.run_with(progress).await.map(drop);
            }
            Target::New(new) => (new, false),
            Target::Replace(new) => (new, true),
        };
        if let Some(size) = new.size {
            return Err(ImageError::Argument {
                what: "the size of a copy",
                value: size.to_string(),
                rule: "a copy has the size of its source; resize it afterwards",
            });
        }
        let staged = Staged::beside(&new.path)?;
        let call = call.value("-O", new.format.driver());
        let mut call = new.options.add_to(new.format, call)?;
        if let Some(backing) = &new.backing {
            call.files.image(backing, Access::Read)?;
            let name = backing.backing_name()?;
            call = call.value("-B", name).value("-F", backing.format.driver());
        }
        call.files.written(staged.path());
        let data_file = new.options.make_data_file(replace)?;
        let call = call.naming(&new.path.display()).operand(staged.path());
        call.run_with(progress).await?;
        staged.commit_async(replace).await?;
        data_file.keep();
        Ok(())
    }
}
