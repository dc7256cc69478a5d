//! `qemu-img compare` and `map`.

use serde::Deserialize;

use super::confine::Access;
use super::{ImageError, ImageRef, QemuImg};

/// How the disks of two images differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They hold the same.
    Identical,
    /// They have different sizes; nothing more was compared.
    Sizes,
    /// From this byte on, one has space allocated where the other has none; up to there they hold the same.
    Allocation(u64),
    /// The first difference is at this byte.
    Differ(u64),
}

/// A piece of a disk, and where its data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Extent {
    /// Where it begins on the disk, in bytes.
    pub start: u64,
    /// Its length in bytes.
    pub length: u64,
    /// In which image of the chain it is: 0 is the topmost.
    pub depth: u64,
    /// Whether any image of the chain holds it.
    #[serde(default)]
    pub present: bool,
    /// Whether it reads as zeros.
    pub zero: bool,
    /// Whether it takes space.
    pub data: bool,
    /// Whether it is compressed.
    #[serde(default)]
    pub compressed: bool,
    /// Where it is in the file, if it is there as it is.
    pub offset: Option<u64>,
}

impl QemuImg {
    /// Compares the disks of two images. `strict`: a longer disk that ends in zeros is different, and so is one that has
    /// space allocated where the other has none.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn compare(
        &self,
        one: &ImageRef,
        other: &ImageRef,
        strict: bool,
    ) -> Result<Comparison, ImageError> {
        // 1: different.
        let call = self.call("compare").good(&[0, 1]).flag("-s", strict);
        let call = call.flag("-U", one.shared || other.shared);
        let call = call.image(one, Access::Read)?;
        let done = call.another(other, Access::Read)?.run().await?;
        if done.code == 0 {
            return Ok(Comparison::Identical);
        }
        let text = String::from_utf8_lossy(&done.stdout);
        if text.contains("Image size mismatch!") && strict {
            return Ok(Comparison::Sizes);
        }
        let number = |before: &str, after: &str| {
            let (_, rest) = text.split_once(before)?;
            rest.split_once(after)?.0.parse().ok()
        };
        let content = number("Content mismatch at offset ", "!").map(Comparison::Differ);
        let allocation =
            || number("Offset ", " block status mismatch!").map(Comparison::Allocation);
        content.or_else(allocation).ok_or_else(|| done.unexpected())
    }

    /// Where the data of a disk are.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn map(&self, image: &ImageRef) -> Result<Vec<Extent>, ImageError> {
        let call = self.call("map").option("--output=json");
        let call = call.flag("-U", image.shared);
        call.image(image, Access::Read)?.run().await?.json()
    }
}
