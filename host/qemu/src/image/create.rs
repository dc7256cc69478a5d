//! `qemu-img create`, `resize` and `amend`.

use std::path::{Path, PathBuf};

use super::confine::Access;
use super::staged::Staged;
use super::{CreateOptions, ImageError, ImageRef, Preallocation, Progress, QemuImg};
use crate::spec::DriveFormat;

/// An image that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: DriveFormat,
    /// Size of its disk in bytes. Default: that of the backing image.
    pub size: Option<u64>,
    /// The image below it: a file.
    pub backing: Option<ImageRef>,
    /// What else there is to say.
    pub options: CreateOptions,
}

impl NewImage {
    /// An image with an empty disk.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, format: DriveFormat, size: u64) -> Self {
        Self {
            path: path.into(),
            format,
            size: Some(size),
            backing: None,
            options: CreateOptions::default(),
        }
    }

    /// The image as the tools name it once it is there.
    #[must_use]
    pub fn image(&self) -> ImageRef {
        let below = self.backing.iter().flat_map(|image| {
            let path = image.path().map(PathBuf::from);
            path.into_iter().chain(image.backing.iter().cloned())
        });
        let backing = below.chain(self.options.data_file.clone()).collect();
        let secret = self.options.encryption.as_ref();
        ImageRef {
            backing,
            secret: secret.map(|encryption| encryption.secret.clone()),
            ..ImageRef::file(&self.path, self.format)
        }
    }
}

/// A new size of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// This size.
    To(u64),
    /// So much more.
    Grow(u64),
    /// So much less.
    Shrink(u64),
}

impl QemuImg {
    /// Makes an image; its file, and its external data file, must not exist yet.
    ///
    /// # Errors
    /// [`ImageError::File`] if a file exists or cannot be made; see [`QemuImg`].
    pub async fn create(&self, new: &NewImage) -> Result<(), ImageError> {
        self.create_over(new, false).await
    }

    /// Makes an image. `replace`: what is there is replaced when the new one is complete; an external data file that is
    /// there loses its content before that.
    pub(super) async fn create_over(
        &self,
        new: &NewImage,
        replace: bool,
    ) -> Result<(), ImageError> {
        let staged = Staged::beside(&new.path)?;
        let data_file = new.options.make_data_file(replace)?;
        self.create_in(new, staged.path()).await?;
        staged.commit_async(replace).await?;
        data_file.keep();
        Ok(())
    }

    /// Makes an image in this existing file.
    async fn create_in(&self, new: &NewImage, file: &Path) -> Result<(), ImageError> {
        let call = self
            .call("create")
            .option("-q")
            .value("-f", new.format.driver());
        let mut call = new.options.add_to(new.format, call)?;
        call.files.written(file);
        let mut size = new.size;
        if let Some(backing) = &new.backing {
            let name = backing.backing_name()?;
            call = call.value("-b", name).value("-F", backing.format.driver());
            call.files.image(backing, Access::Read)?;
            if backing.secret.is_some() {
                // The tool has no way to be told the secret of the backing image, so it must not open it.
                call = call.option("-u");
                if size.is_none() {
                    size = Some(self.info(backing).await?.virtual_size);
                }
            }
        }
        call = call.naming(&new.path.display()).operand(file);
        if let Some(size) = size {
            call = call.operand(size.to_string());
        }
        call.run().await.map(drop)
    }

    /// Changes the size of a disk. `shrink` confirms that data beyond the new end are given up.
    ///
    /// # Errors
    /// See [`QemuImg`]; shrinking without `shrink` fails.
    pub async fn resize(
        &self,
        image: &ImageRef,
        size: Size,
        shrink: bool,
        preallocation: Option<Preallocation>,
    ) -> Result<(), ImageError> {
        let size = match size {
            Size::To(bytes) => bytes.to_string(),
            Size::Grow(bytes) => format!("+{bytes}"),
            Size::Shrink(bytes) => format!("-{bytes}"),
        };
        let call = self
            .call("resize")
            .option("-q")
            .flag("--shrink", shrink)
            .maybe("--preallocation", preallocation.map(Preallocation::name));
        let call = call.image(image, Access::Write)?.operand(size);
        call.run().await.map(drop)
    }

    /// Changes options of the format of an image that exists.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn amend(
        &self,
        image: &ImageRef,
        options: &CreateOptions,
        progress: Option<Progress<'_>>,
    ) -> Result<(), ImageError> {
        let call = self.call("amend").flag("-p", progress.is_some());
        let call = options.add_to(image.format, call)?;
        let call = call.image(image, Access::Write)?;
        call.run_with(progress).await.map(drop)
    }
}
