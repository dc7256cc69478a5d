//! The image of a guest: is it there, and if not, where could it come from?

use std::path::{Path, PathBuf};

use super::image::JEOS_IMAGE;
use crate::Dirs;
use crate::asset::Catalog;
use crate::asset::usable;

/// The image of a guest, as a configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestImage {
    /// The guest: the labels of its variant.
    pub guest: String,
    /// The file: `image_name` with the ending of `image_format`, relative to the data directory unless it is absolute.
    pub file: PathBuf,
}

impl GuestImage {
    /// The default guest.
    pub fn jeos() -> Self {
        Self {
            guest: "JeOS.12.x86_64".to_owned(),
            file: Path::new("images").join(JEOS_IMAGE),
        }
    }
}

/// How an image stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    /// It is there.
    Present(PathBuf),
    /// It is not, and `vthost bootstrap` builds it.
    Buildable(PathBuf),
    /// It is not, and an asset has it.
    Downloadable {
        /// The file.
        path: PathBuf,
        /// The name of the asset.
        asset: String,
    },
    /// It is not, and it is the operator's to put there.
    Missing(PathBuf),
}

impl ImageState {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Present(path) | Self::Buildable(path) | Self::Missing(path) => path,
            Self::Downloadable { path, .. } => path,
        }
    }
}

/// How an image stands: `file` is relative to the data directory unless it is absolute.
pub fn image_state(dirs: &Dirs, catalog: &Catalog, file: &Path) -> ImageState {
    let path = dirs.data.join(file);
    if usable(&path).unwrap_or(false) {
        return ImageState::Present(path);
    }
    if path == dirs.images().join(JEOS_IMAGE) {
        return ImageState::Buildable(path);
    }
    let asset = catalog
        .iter()
        .find(|asset| dirs.data.join(asset.result()) == path);
    match asset {
        Some(asset) => ImageState::Downloadable {
            path,
            asset: asset.name.clone(),
        },
        None => ImageState::Missing(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_there_or_could_come_from_somewhere() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(home.path());
        let catalog = Catalog::load(&dirs);
        let state = |file: &str| image_state(&dirs, &catalog, Path::new(file));
        let jeos = "images/jeos-12-x86_64.qcow2";
        assert_eq!(GuestImage::jeos().file, Path::new(jeos));
        let path = dirs.images().join(JEOS_IMAGE);
        assert_eq!(state(jeos), ImageState::Buildable(path.clone()));
        assert!(matches!(
            state("images/jeos-27-x86_64.qcow2"),
            ImageState::Downloadable { asset, .. } if asset == "jeos-27-x86_64"
        ));
        let own = dirs.images().join("mine.qcow2");
        assert_eq!(state("images/mine.qcow2"), ImageState::Missing(own));
        std::fs::create_dir_all(dirs.images()).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(state(jeos), ImageState::Buildable(path.clone()));
        std::fs::write(&path, "an image").unwrap();
        assert_eq!(state(jeos), ImageState::Present(path));
    }
}
