//! Images as a test works on them with `qemu-img`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vthost_params::registry::Unit;
use vthost_qemu::image::life;
use vthost_qemu::image::{
    Check, Comparison, ConvertOptions, CreateOptions, ImageRef, Measure, NewImage, QemuImg, Size,
    SnapshotAction, Target,
};
use vthost_qemu::spec::DriveFormat;
use vthost_qemu::{ImageError, image};

use crate::error::check_name;
use crate::image::{DEFAULT_SIZE, create_options, tool};
use crate::pool::RunDir;
use crate::{Environment, Error, ErrorKind, Result};

/// Calls without a time of their own are done in no time.
const SOON: Duration = Duration::from_secs(60);

/// An image in the directory of the test, or one that its machines write to.
#[derive(Debug)]
pub struct Image {
    name: String,
    file: PathBuf,
    format: DriveFormat,
    size: u64,
    options: CreateOptions,
    /// Works on it, with the time that a short call may take.
    tool: QemuImg,
    /// The image below it.
    below: Option<ImageRef>,
    /// The files below an image that a machine was started with.
    backing: Vec<PathBuf>,
    /// Where it lies, for as long as it is used.
    _dir: Option<Arc<RunDir>>,
}

impl Environment {
    /// The image of that name: the disk of a machine as the test sees it, an image that a block job made, or one of the
    /// test's own, which need not be there yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a name that is no name; [`ErrorKind::AccessDenied`] for a change that reaches the host.
    pub fn image(
        &self,
        name: &str,
        changes: &[(String, String)],
        base: Option<&Image>,
    ) -> Result<Image> {
        check_name("image", name)?;
        let setup = self.setup()?;
        self.allowed(&setup).check(changes)?;
        let pairs = changes.iter().map(|(key, value)| (&**key, &**value));
        let params = setup.params.object(name).with(pairs);
        let tool = tool(&params)?.with_timeout(SOON);
        if let Some(image) = self.disk(name, &tool) {
            return Ok(image);
        }
        let format = params.get_or("image_format", "qcow2");
        let format = DriveFormat::from_name(format)
            .ok_or_else(|| params.invalid("image_format", "a format of images"))?;
        let dir = self.own_dir(&setup)?;
        Ok(Image {
            name: name.to_owned(),
            file: dir.path().join(format!("{name}.{}", format.driver())),
            format,
            size: params.size("image_size", DEFAULT_SIZE, Unit::B)?,
            options: create_options(&params, format)?,
            tool,
            below: base.map(Image::reference),
            backing: Vec::new(),
            _dir: Some(dir),
        })
    }

    /// An image that a machine has, or had.
    fn disk(&self, name: &str, tool: &QemuImg) -> Option<Image> {
        self.vms().into_iter().find_map(|vm| {
            let image = |file: PathBuf, format, backing| Image {
                name: name.to_owned(),
                file,
                format,
                size: DEFAULT_SIZE,
                options: CreateOptions::default(),
                tool: tool.clone(),
                below: None,
                backing,
                _dir: None,
            };
            let drives = &vm.hardware().spec.drives;
            if let Some(drive) = drives.iter().find(|drive| drive.id == name) {
                let backing = drive.backing.clone();
                return Some(image(drive.path.clone(), drive.format, backing));
            }
            let (file, format) = vm.made_file(name)?;
            // What lies below was made by this process as well, or checked when the machine was made.
            let chain = image::Chain::read(&file, format, None).ok()?;
            let backing = chain.files().map(Path::to_owned).collect();
            Some(image(file, format, backing))
        })
    }
}

impl Image {
    fn reference(&self) -> ImageRef {
        let below = self.below.iter().flat_map(|below| {
            let file = below.path().map(Path::to_owned);
            file.into_iter().chain(below.backing.iter().cloned())
        });
        let backing: Vec<PathBuf> = below.chain(self.backing.iter().cloned()).collect();
        let encryption = self.options.encryption.as_ref();
        ImageRef {
            secret: encryption.map(|encryption| encryption.secret.clone()),
            ..ImageRef::file(&self.file, self.format).with_backing(backing)
        }
    }

    fn new_image(&self) -> NewImage {
        NewImage {
            backing: self.below.clone(),
            size: self.below.is_none().then_some(self.size),
            options: self.options.clone(),
            ..NewImage::new(&self.file, self.format, self.size)
        }
    }

    /// The tool for a call that may take longer.
    fn patient(&self, timeout: Duration) -> QemuImg {
        self.tool.clone().with_timeout(timeout)
    }

    fn failed(&self, what: &str, error: ImageError) -> Error {
        let kind = match error {
            ImageError::Timeout { .. } => ErrorKind::TimedOut,
            _ => ErrorKind::Other,
        };
        Error::caused(
            kind,
            format!("the image {} cannot {what}", self.name),
            error,
        )
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.file.exists()
    }

    /// Makes the file, empty, over one that there may be.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn create(&self, timeout: Duration) -> Result<()> {
        let tool = self.patient(timeout);
        let made = life::create(&tool, &self.new_image(), life::When::Always).await;
        made.map(drop)
            .map_err(|error| self.failed("be made", error))
    }

    /// Removes the file. That there is none is no error.
    ///
    /// # Errors
    /// What the system said.
    pub fn remove(&self) -> Result<()> {
        let removed = life::remove(&self.file);
        removed
            .map(drop)
            .map_err(|error| self.failed("be removed", error))
    }

    /// What it says about itself, under the names of `qemu-img info`. Names of files are without their directories.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn info(&self) -> Result<Value> {
        let info = self.tool.info(&self.reference()).await;
        let info = info.map_err(|error| self.failed("be asked", error))?;
        let name = |path: String| {
            let name = Path::new(&path).file_name();
            name.map_or(path.clone(), |name| name.to_string_lossy().into_owned())
        };
        let snapshots: Vec<Value> = info
            .snapshots
            .iter()
            .map(|snapshot| json!({ "id": snapshot.id, "name": snapshot.name }))
            .collect();
        let mut told = json!({
            "filename": name(info.filename),
            "format": info.format,
            "virtual-size": info.virtual_size,
            "actual-size": info.actual_size,
            "cluster-size": info.cluster_size,
            "encrypted": info.encrypted,
            "backing-filename": info.backing_filename.map(name),
            "snapshots": snapshots,
        });
        if let Some(object) = told.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        Ok(told)
    }

    /// Which parts of the disk are allocated where, under the names of `qemu-img map`.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn map(&self) -> Result<Value> {
        let map = self.tool.map(&self.reference()).await;
        let map = map.map_err(|error| self.failed("be mapped", error))?;
        let part = |part: &image::Extent| {
            json!({
                "start": part.start,
                "length": part.length,
                "depth": part.depth,
                "present": part.present,
                "zero": part.zero,
                "data": part.data,
            })
        };
        Ok(map.iter().map(part).collect())
    }

    /// Checks its consistency.
    ///
    /// # Errors
    /// What `qemu-img` said; damage is a result.
    pub async fn check(&self, timeout: Duration) -> Result<Check> {
        let checked = self.patient(timeout).check(&self.reference(), None).await;
        checked.map_err(|error| self.failed("be checked", error))
    }

    /// Copies what it holds to `target`, in the format of that.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn convert(&self, target: &Self, compressed: bool, timeout: Duration) -> Result<()> {
        let new = NewImage {
            size: None,
            ..target.new_image()
        };
        let options = ConvertOptions {
            compressed,
            ..ConvertOptions::default()
        };
        let tool = self.patient(timeout);
        let converted = tool
            .convert(&self.reference(), Target::Replace(&new), &options, None)
            .await;
        converted.map_err(|error| self.failed("be converted", error))
    }

    /// Makes `base` the image below it; `unsafe_mode` only changes the name in it.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn rebase(
        &self,
        base: Option<&Self>,
        unsafe_mode: bool,
        timeout: Duration,
    ) -> Result<()> {
        let (tool, base) = (self.patient(timeout), base.map(Self::reference));
        // What is below now was found out when it was opened, and has to be read for that.
        let mut image = self.reference();
        if let Ok(chain) = image::Chain::read(&self.file, self.format, None) {
            image = image.with_backing(chain.files().map(Path::to_owned));
        }
        let rebased = if unsafe_mode {
            tool.rebase_unsafe(&image, base.as_ref()).await
        } else {
            tool.rebase(&image, base.as_ref(), false, None).await
        };
        rebased.map_err(|error| self.failed("be rebased", error))
    }

    /// Writes what it holds into the image below it, which must be one of the test's own.
    ///
    /// # Errors
    /// [`ErrorKind::AccessDenied`] if it is not; what `qemu-img` said.
    pub async fn commit(&self, timeout: Duration) -> Result<()> {
        if !self.backing.is_empty() {
            let text = format!("what is below {} is not the test's own", self.name);
            return Err(Error::new(ErrorKind::AccessDenied, text));
        }
        let tool = self.patient(timeout);
        let committed = tool.commit(&self.reference(), None, false, None).await;
        committed.map_err(|error| self.failed("be committed", error))
    }

    /// Where two images differ; none if they hold the same disk.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn compare(&self, other: &Self, timeout: Duration) -> Result<Option<String>> {
        let tool = self.patient(timeout);
        let (one, two) = (self.reference(), other.reference());
        let compared = tool.compare(&one, &two, false).await;
        let compared = compared.map_err(|error| self.failed("be compared", error))?;
        Ok(match compared {
            Comparison::Identical => None,
            Comparison::Sizes => Some("their sizes differ".to_owned()),
            Comparison::Allocation(at) => Some(format!("one has space at byte {at}")),
            Comparison::Differ(at) => Some(format!("the first difference is at byte {at}")),
        })
    }

    /// Makes the disk so many bytes large.
    ///
    /// # Errors
    /// What `qemu-img` said, also if it would be made smaller without `shrink`.
    pub async fn resize(&self, bytes: u64, shrink: bool) -> Result<()> {
        let tool = &self.tool;
        let size = Size::To(bytes);
        let resized = tool.resize(&self.reference(), size, shrink, None).await;
        resized.map_err(|error| self.failed("be resized", error))
    }

    /// How much room it would take in another format.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an unknown format; what `qemu-img` said.
    pub async fn measure(&self, format: &str) -> Result<Measure> {
        let format = DriveFormat::from_name(format).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("`{format}` is no format of images"),
            )
        })?;
        let options = CreateOptions::default();
        let tool = &self.tool;
        let measured = tool.measure(&self.reference(), format, &options).await;
        measured.map_err(|error| self.failed("be measured", error))
    }

    async fn snapshot(&self, action: SnapshotAction, tag: &str) -> Result<()> {
        check_name("snapshot", tag)?;
        let done = self.tool.snapshot(&self.reference(), action, tag).await;
        done.map_err(|error| self.failed(&format!("take part in a snapshot {tag}"), error))
    }

    /// Makes a snapshot inside it.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn snapshot_create(&self, tag: &str) -> Result<()> {
        self.snapshot(SnapshotAction::Create, tag).await
    }

    /// Goes back to a snapshot inside it.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn snapshot_apply(&self, tag: &str) -> Result<()> {
        self.snapshot(SnapshotAction::Apply, tag).await
    }

    /// Removes a snapshot inside it.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn snapshot_delete(&self, tag: &str) -> Result<()> {
        self.snapshot(SnapshotAction::Delete, tag).await
    }

    /// The snapshots inside it: numbers and names.
    ///
    /// # Errors
    /// What `qemu-img` said.
    pub async fn snapshots(&self) -> Result<Vec<(String, String)>> {
        let snapshots = self.tool.snapshots(&self.reference()).await;
        let snapshots = snapshots.map_err(|error| self.failed("be asked", error))?;
        Ok(snapshots
            .into_iter()
            .map(|snapshot| (snapshot.id, snapshot.name))
            .collect())
    }
}
