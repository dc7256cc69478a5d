//! Images, with the real tools of QEMU.

mod chain;
mod convert;
mod crash;
mod create;
mod life;
mod luks;
mod names;
mod nbd;
mod overlay;
mod snapshot;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use vthost_qemu::image::{ImageRef, IoCommand, NewImage, QemuImg, QemuIo};
use vthost_qemu::spec::DriveFormat;

pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

/// A directory, and the tools.
pub(crate) struct Images {
    dir: tempfile::TempDir,
    pub(crate) img: QemuImg,
    pub(crate) io: QemuIo,
}

impl Images {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            img: QemuImg::find().expect("these tests need qemu-img"),
            io: QemuIo::find().expect("these tests need qemu-io"),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A directory that is closed to other users.
    pub(crate) fn private(&self) -> PathBuf {
        let dir = self.at("run");
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&dir).expect("a directory");
        dir
    }

    /// A new qcow2 image.
    pub(crate) async fn qcow2(&self, name: &str, size: u64) -> ImageRef {
        let new = NewImage::new(self.at(name), DriveFormat::Qcow2, size);
        self.img.create(&new).await.expect("created");
        new.image()
    }

    /// A new qcow2 image on top of another one.
    pub(crate) async fn over(&self, base: &ImageRef, name: &str) -> ImageRef {
        let new = NewImage {
            backing: Some(base.clone()),
            size: None,
            ..NewImage::new(self.at(name), DriveFormat::Qcow2, 0)
        };
        self.img.create(&new).await.expect("created");
        new.image()
    }

    pub(crate) async fn write(&self, image: &ImageRef, pattern: u8, offset: u64, length: u64) {
        let command = IoCommand::Write {
            pattern,
            offset,
            length,
        };
        self.io.run(image, &[command]).await.expect("written");
    }

    pub(crate) async fn holds(&self, image: &ImageRef, pattern: u8, offset: u64, length: u64) {
        let command = IoCommand::Verify {
            pattern,
            offset,
            length,
        };
        self.io.run(image, &[command]).await.expect("it holds that");
    }

    pub(crate) async fn sound(&self, image: &ImageRef) {
        let check = self.img.check(image, None).await.expect("checked");
        assert!(check.is_clean(), "{check:?}");
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir()).expect("a directory");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry.expect("an entry")))
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn raw(path: &Path, size: u64) {
    let file = fs::File::create(path).expect("a file");
    file.set_len(size).expect("a size");
}
