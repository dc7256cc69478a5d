//! Backing chains, read from the headers of images.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::reference::absolute;
use super::{ImageError, qcow2};
use crate::spec::DriveFormat;

/// The longest backing chain that is followed.
const LONGEST_CHAIN: usize = 200;

/// An image and the files it builds on, nearest first, as the headers of qcow2 images name them.
///
/// What an image says about other files is input: from an image that is not trusted it is a list of files that its
/// author would like to see opened. So each file is checked before it is opened, no format is guessed, and a name that
/// QEMU would take for a protocol is refused. Only qcow2 headers are read. Images of the other formats count as the end
/// of a chain; where such a format can name other files (`vmdk`, `qed`), the confinement of the tools keeps them shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    members: Vec<Member>,
}

/// One image of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The file.
    pub path: PathBuf,
    /// Its format, as the image above it says.
    pub format: DriveFormat,
    /// The file with its data, if that is another one.
    pub data_file: Option<PathBuf>,
    /// Whether its header names its backing file by a relative path: such an image works in its own directory only.
    pub relative: bool,
}

impl Chain {
    /// Reads the chain of an image. `allowed`: the directories in which all files but the image itself have to lie,
    /// after links are followed; `None` for images that are trusted.
    ///
    /// # Errors
    /// [`ImageError::File`] or [`ImageError::Invalid`] if the image cannot be read; [`ImageError::Chain`], naming both
    /// files, if it builds on one that is missing, that is outside of `allowed`, whose format is not recorded, that
    /// leads back to an image above it, or that is the 201st.
    pub fn read(
        image: &Path,
        format: DriveFormat,
        allowed: Option<&[PathBuf]>,
    ) -> Result<Self, ImageError> {
        let mut reader = Reader {
            allowed: allowed.map(canonical),
            seen: HashSet::new(),
        };
        let mut members = Vec::new();
        let mut next = Some((absolute(image)?, format));
        while let Some((path, format)) = next.take() {
            if members.len() > LONGEST_CHAIN {
                let reason = format!("an image may have at most {LONGEST_CHAIN} backing files");
                return Err(fault(image, &path, reason));
            }
            let above = members.last().map(|member: &Member| member.path.clone());
            reader.enter(above.as_deref(), &path)?;
            let (member, below) = reader.member(path, format)?;
            members.push(member);
            next = below;
        }
        Ok(Self { members })
    }

    /// The topmost image alone; what is below it is not looked at.
    pub(super) fn top(image: &Path, format: DriveFormat) -> Result<Self, ImageError> {
        let reader = Reader {
            allowed: None,
            seen: HashSet::new(),
        };
        let (member, _) = reader.member(absolute(image)?, format)?;
        Ok(Self {
            members: vec![member],
        })
    }

    /// All images, the topmost first. There is at least one.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// All files but the topmost image: backing files and external data files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.members.iter().enumerate().flat_map(|(n, member)| {
            let path = (n > 0).then_some(member.path.as_path());
            path.into_iter().chain(member.data_file.as_deref())
        })
    }

    /// Whether the topmost file alone is the whole image.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.files().next().is_none()
    }

    /// Checks that the chain leads to none but these files.
    pub(super) fn check_known(&self, known: &[PathBuf]) -> Result<(), ImageError> {
        let known = canonical(known);
        let stranger = self.files().find(|file| {
            let real = file.canonicalize();
            !real.is_ok_and(|real| known.contains(&real))
        });
        let (Some(stranger), Some(top)) = (stranger, self.members.first()) else {
            return Ok(());
        };
        let reason = "that file is not among the backing files that this image may have";
        Err(fault(&top.path, stranger, reason.to_owned()))
    }
}

fn canonical(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect()
}

fn fault(image: &Path, member: &Path, reason: String) -> ImageError {
    ImageError::Chain {
        image: image.to_owned(),
        member: member.to_owned(),
        reason,
    }
}

struct Reader {
    allowed: Option<Vec<PathBuf>>,
    seen: HashSet<(u64, u64)>,
}

impl Reader {
    /// Checks a file before it is opened. The topmost image, which has none above it, was named by the caller.
    fn enter(&mut self, above: Option<&Path>, path: &Path) -> Result<(), ImageError> {
        let meta = match (fs::metadata(path), above) {
            (Ok(meta), _) => meta,
            (Err(source), None) => return Err(ImageError::file("read", path, source)),
            (Err(source), Some(above)) => {
                return Err(fault(above, path, format!("that cannot be read: {source}")));
            }
        };
        if !self.seen.insert((meta.dev(), meta.ino())) {
            let reason = "that image is above it already, so the chain has no end";
            return Err(fault(above.unwrap_or(path), path, reason.to_owned()));
        }
        match above {
            Some(above) => self.inside(above, path),
            None => Ok(()),
        }
    }

    fn inside(&self, above: &Path, path: &Path) -> Result<(), ImageError> {
        let Some(allowed) = &self.allowed else {
            return Ok(());
        };
        let real = path.canonicalize();
        if real.is_ok_and(|real| allowed.iter().any(|dir| real.starts_with(dir))) {
            return Ok(());
        }
        let dirs: Vec<String> = allowed
            .iter()
            .map(|dir| dir.display().to_string())
            .collect();
        let reason = format!("that is outside of {}", dirs.join(" and "));
        Err(fault(above, path, reason))
    }

    /// Reads one image; also, where its backing file is and of which format.
    fn member(
        &self,
        path: PathBuf,
        format: DriveFormat,
    ) -> Result<(Member, Option<(PathBuf, DriveFormat)>), ImageError> {
        let mut member = Member {
            path,
            format,
            data_file: None,
            relative: false,
        };
        let file = qcow2::open(&member.path)?;
        if format != DriveFormat::Qcow2 {
            return Ok((member, None));
        }
        let path = &member.path;
        let header = qcow2::Header::read(path, &file)?;
        if header.external {
            let data = header.data_file.map(PathBuf::from).unwrap_or_default();
            // QEMU would look for a relative one in its own working directory.
            if !data.is_absolute() {
                let reason = "an external data file has to be named by its absolute path";
                return Err(fault(path, &data, reason.to_owned()));
            }
            self.inside(path, &data)?;
            member.data_file = Some(data);
        }
        let Some(name) = header.backing else {
            return Ok((member, None));
        };
        let name = PathBuf::from(name);
        // QEMU takes `nbd:...` and `json:{...}` here, too; a colon before the first slash makes a protocol.
        let mut start = name.as_os_str().as_bytes().split(|&byte| byte == b'/');
        if start.next().is_some_and(|start| start.contains(&b':')) {
            return Err(fault(
                path,
                &name,
                "that is not the name of a file".to_owned(),
            ));
        }
        let format = header.backing_format.unwrap_or_default();
        let Some(format) = DriveFormat::from_name(&format) else {
            let reason = format!(
                "the format that is recorded for it is {format:?}, so QEMU would have to guess; record it with \
                 `qemu-img rebase -u -F FORMAT -b FILE IMAGE`"
            );
            return Err(fault(path, &name, reason));
        };
        let beside = path.parent().unwrap_or_else(|| Path::new("/"));
        let below = beside.join(&name);
        member.relative = name.is_relative();
        Ok((member, Some((below, format))))
    }
}
