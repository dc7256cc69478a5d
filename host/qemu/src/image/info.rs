//! `qemu-img info`, `check` and `measure`.

use serde::Deserialize;
use serde_json::Value;

use super::confine::Access;
use super::{CreateOptions, ImageError, ImageRef, QemuImg};
use crate::spec::DriveFormat;

/// What an image says about itself. None of it is to be trusted more than the image.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageInfo {
    /// Its name, as QEMU writes it.
    pub filename: String,
    /// The name of its format.
    pub format: String,
    /// Size of its disk, in bytes.
    pub virtual_size: u64,
    /// Bytes that it takes on the host, where that is known.
    pub actual_size: Option<u64>,
    /// Bytes of a cluster, for formats that have clusters.
    pub cluster_size: Option<u64>,
    /// Whether it is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// Whether it holds compressed clusters.
    #[serde(default)]
    pub compressed: bool,
    /// Whether it was not closed properly and needs a repair.
    #[serde(default)]
    pub dirty_flag: bool,
    /// Its backing file, as it is written in the image.
    pub backing_filename: Option<String>,
    /// The same as QEMU would open it.
    pub full_backing_filename: Option<String>,
    /// The format that is recorded for the backing file.
    pub backing_filename_format: Option<String>,
    /// Its internal snapshots.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    /// What only this format has.
    pub format_specific: Option<FormatSpecific>,
}

/// What only one format has.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FormatSpecific {
    /// The name of the format.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its facts, as QEMU names them.
    pub data: Value,
}

/// An internal snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Snapshot {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Bytes of the machine's state that it holds; 0 for a snapshot of the disk only.
    pub vm_state_size: u64,
    /// When it was made, in seconds since 1970.
    pub date_sec: i64,
    /// The machine's clock at that time: seconds.
    pub vm_clock_sec: i64,
    /// And nanoseconds.
    pub vm_clock_nsec: i64,
}

/// A persistent dirty bitmap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bitmap {
    /// Its name.
    pub name: String,
    /// Bytes per bit.
    pub granularity: u64,
    /// `auto` if it records, `in-use` if it was not stored properly.
    pub flags: Vec<String>,
}

impl ImageInfo {
    /// The bitmaps of a qcow2 image.
    #[must_use]
    pub fn bitmaps(&self) -> Vec<Bitmap> {
        let data = self.format_specific.as_ref().map(|specific| &specific.data);
        let list = data.and_then(|data| data.get("bitmaps"));
        // They come from QEMU; what is no list of bitmaps would be another version's, which has none that are known.
        list.and_then(|list| Vec::deserialize(list).ok())
            .unwrap_or_default()
    }
}

/// What `qemu-img check` found in an image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
pub struct Check {
    /// Errors that damage data.
    pub corruptions: u64,
    /// Clusters that are allocated and unused; harmless.
    pub leaks: u64,
    /// What could not be checked.
    pub check_errors: u64,
    /// Corruptions that were repaired.
    pub corruptions_fixed: u64,
    /// Leaks that were repaired.
    pub leaks_fixed: u64,
    /// Clusters of the disk.
    pub total_clusters: u64,
    /// Clusters that hold data.
    pub allocated_clusters: u64,
    /// Clusters that do not lie one behind the other.
    pub fragmented_clusters: u64,
    /// Clusters that are compressed.
    pub compressed_clusters: u64,
}

impl Check {
    /// Neither corrupt nor leaking, as it is now.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.corruptions + self.leaks + self.check_errors == 0
    }
}

/// What a check may repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Leaked clusters.
    Leaks,
    /// Everything; it may choose the wrong one of two truths.
    All,
}

/// How many bytes an image will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measure {
    /// With the data that are there now.
    pub required: u64,
    /// With every byte of the disk written.
    pub fully_allocated: u64,
    /// The bitmaps, where they can be copied.
    pub bitmaps: Option<u64>,
}

impl QemuImg {
    /// What an image says about itself, without opening its backing file and without taking its lock.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn info(&self, image: &ImageRef) -> Result<ImageInfo, ImageError> {
        let call = self.call("info").option("--output=json").option("-U");
        let call = call.image(image, Access::ReadAlone)?;
        call.run().await?.json()
    }

    /// The same for an image and every image below it, topmost first.
    ///
    /// # Errors
    /// See [`QemuImg`].
    pub async fn info_chain(&self, image: &ImageRef) -> Result<Vec<ImageInfo>, ImageError> {
        let call = self.call("info").option("--output=json").option("-U");
        let call = call.option("--backing-chain");
        call.image(image, Access::Read)?.run().await?.json()
    }

    /// Checks that no other process writes to an image.
    ///
    /// # Errors
    /// [`ImageError::InUse`] if one does; otherwise see [`QemuImg`].
    pub(super) async fn not_in_use(&self, image: &ImageRef) -> Result<(), ImageError> {
        let call = self.call("info").image(image, Access::ReadAlone)?;
        call.run().await.map(drop)
    }

    /// Checks an image for consistency, and repairs it if asked to; it must not be in use. An image that is damaged is
    /// a result, not an error.
    ///
    /// # Errors
    /// See [`QemuImg`]; formats without a check fail.
    pub async fn check(
        &self,
        image: &ImageRef,
        repair: Option<Repair>,
    ) -> Result<Check, ImageError> {
        let what = repair.map(|repair| match repair {
            Repair::Leaks => "leaks",
            Repair::All => "all",
        });
        // 2: corrupt, 3: leaks.
        let call = self.call("check").good(&[0, 2, 3]);
        let call = call.option("--output=json").maybe("-r", what);
        let access = match repair {
            Some(_) => Access::Write,
            None => Access::Read,
        };
        let call = call.flag("-U", image.shared).image(image, access)?;
        call.run().await?.json()
    }

    /// How many bytes a copy of an image will take in another format.
    ///
    /// # Errors
    /// See [`QemuImg`]; only `qcow2`, `raw` and `luks` can be measured.
    pub async fn measure(
        &self,
        image: &ImageRef,
        format: DriveFormat,
        options: &CreateOptions,
    ) -> Result<Measure, ImageError> {
        let call = self.call("measure").option("--output=json");
        let call = call.flag("-U", image.shared).value("-O", format.driver());
        let call = options.add_to(format, call)?;
        call.image(image, Access::Read)?.run().await?.json()
    }

    /// How many bytes a new image with a disk of this size will take.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub async fn measure_size(
        &self,
        size: u64,
        format: DriveFormat,
        options: &CreateOptions,
    ) -> Result<Measure, ImageError> {
        let call = self.call("measure").option("--output=json");
        let call = call.value("-O", format.driver());
        let call = options.add_to(format, call)?;
        call.maybe("--size", Some(size)).run().await?.json()
    }
}
