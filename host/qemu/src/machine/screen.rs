//! Pictures of the screen.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use serde::Serialize;
use serde_json::json;

use super::Machine;
use crate::error::{MachineError, QmpError};

/// The longest picture that is taken from QEMU. A full-screen one has a few MiB at most.
const LARGEST: u64 = 64 << 20;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// Compressed without loss.
    Png,
    /// Portable pixmap: plain bytes, large.
    Ppm,
}

impl PictureFormat {
    fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Ppm => "ppm",
        }
    }

    /// How every file of the format begins.
    fn signature(self) -> &'static [u8] {
        match self {
            Self::Png => b"\x89PNG\r\n\x1a\n",
            Self::Ppm => b"P6\n",
        }
    }
}

/// The size of the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScreenSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Machine {
    /// Writes the screen as PNG. QEMU writes into the run directory, the only place it may write to; the picture is
    /// copied from there, and `path` never holds half of it.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] (without video adapter, for example) or [`MachineError::File`].
    pub async fn screendump_png(&self, path: &Path) -> Result<(), MachineError> {
        self.screendump(path, PictureFormat::Png).await
    }

    /// The same in another format.
    ///
    /// # Errors
    /// As [`Machine::screendump_png`].
    pub async fn screendump(&self, path: &Path, format: PictureFormat) -> Result<(), MachineError> {
        let picture = self.picture(format).await?;
        keep(path, &picture).map_err(|source| MachineError::File {
            path: path.to_owned(),
            source,
        })
    }

    /// How large the screen is at the moment.
    ///
    /// # Errors
    /// As [`Machine::screendump_png`].
    pub async fn screen_size(&self) -> Result<ScreenSize, MachineError> {
        let picture = self.picture(PictureFormat::Png).await?;
        png_size(&picture).ok_or_else(|| MachineError::Qmp {
            machine: self.spec.name.clone(),
            action: "measure the screen of".into(),
            source: QmpError::Protocol {
                detail: "the picture of the screen has no header".to_owned(),
            },
        })
    }

    async fn picture(&self, format: PictureFormat) -> Result<Vec<u8>, MachineError> {
        let name = format!(
            "screendump-{}-{}.{}",
            self.paths.label(&self.spec.name),
            self.live.number(),
            format.name()
        );
        let temporary = self.paths.run_dir().join(name);
        let arguments = json!({ "filename": temporary, "format": format.name() });
        let action = "take a screendump of";
        let dumped = self.command(action, "screendump", arguments).await;
        let read = dumped.and_then(|_| {
            collect(&temporary, format).map_err(|source| MachineError::File {
                path: temporary.clone(),
                source,
            })
        });
        // QEMU may have made none.
        let _ = fs::remove_file(&temporary);
        read
    }
}

/// Reads a picture that QEMU has written. A QEMU taken over by its guest may have put anything in its place: a link to
/// a file of the host, a pipe, an endless file.
fn collect(from: &Path, format: PictureFormat) -> io::Result<Vec<u8>> {
    let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(careful.bits().cast_signed())
        .open(from)?;
    let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    if !file.metadata()?.is_file() {
        return Err(invalid("QEMU left something other than a file"));
    }
    let mut picture = Vec::new();
    file.take(LARGEST).read_to_end(&mut picture)?;
    if !picture.starts_with(format.signature()) {
        return Err(invalid("QEMU wrote no picture of this format"));
    }
    Ok(picture)
}

fn keep(path: &Path, picture: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    fs::write(&name, picture)?;
    fs::rename(&name, path)
}

/// Width and height stand behind the signature and the eight bytes that begin the header.
fn png_size(picture: &[u8]) -> Option<ScreenSize> {
    let number = |at: usize| {
        let bytes = picture.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    Some(ScreenSize {
        width: number(16)?,
        height: number(20)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_picture_is_collected() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let format = PictureFormat::Png;
        let picture = [format.signature(), b"rest"].concat();
        fs::write(at("secret"), "root:x:0:0").expect("a file");
        fs::write(at("good"), &picture).expect("a file");
        std::os::unix::fs::symlink(at("good"), at("link")).expect("a link");
        fs::create_dir(at("dir")).expect("a directory");
        for bad in ["secret", "link", "dir", "missing"] {
            collect(&at(bad), format).expect_err(bad);
        }
        collect(&at("good"), PictureFormat::Ppm).expect_err("another format");
        assert_eq!(collect(&at("good"), format).expect("a picture"), picture);
        keep(&at("out.png"), &picture).expect("written");
        assert_eq!(fs::read(at("out.png")).expect("a file"), picture);
        assert!(!at("out.png.part").exists());
    }

    #[test]
    fn the_header_of_a_picture_tells_its_size() {
        let mut picture = PictureFormat::Png.signature().to_vec();
        picture.extend([0, 0, 0, 13]);
        picture.extend(b"IHDR");
        picture.extend(720_u32.to_be_bytes());
        assert_eq!(png_size(&picture), None);
        picture.extend(400_u32.to_be_bytes());
        let size = png_size(&picture).expect("complete");
        assert_eq!((size.width, size.height), (720, 400));
    }
}
