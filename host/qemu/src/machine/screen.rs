//! Pictures of the screen.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::OFlags;
use serde_json::json;

use super::Machine;
use crate::error::MachineError;

/// The longest picture that is taken from QEMU. A full-screen one has a few MiB at most.
const LARGEST: u64 = 64 << 20;

/// How every PNG file begins.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

impl Machine {
    /// Writes the screen as PNG. QEMU writes into the run directory, the only place it may write to; the picture is
    /// copied from there, and `path` never holds half of it.
    ///
    /// # Errors
    /// [`MachineError::Qmp`] (without video adapter, for example) or [`MachineError::File`].
    pub async fn screendump_png(&self, path: &Path) -> Result<(), MachineError> {
        let number = self.screendumps.fetch_add(1, Ordering::Relaxed);
        let name = format!("screendump-{}-{number}.png", self.spec.name);
        let temporary = self.paths.run_dir().join(name);
        let arguments = json!({ "filename": temporary, "format": "png" });
        let dumped = self.qmp.execute("screendump", arguments).await;
        let copied = dumped
            .map_err(|source| self.failed("take a screendump of", source))
            .and_then(|_| {
                collect(&temporary, path).map_err(|source| MachineError::File {
                    path: path.to_owned(),
                    source,
                })
            });
        // QEMU may have made none.
        let _ = fs::remove_file(&temporary);
        copied
    }
}

/// Copies a picture that QEMU has written. A QEMU taken over by its guest may have put anything in its place: a link to
/// a file of the host, a pipe, an endless file.
fn collect(from: &Path, to: &Path) -> io::Result<()> {
    let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(careful.bits().cast_signed())
        .open(from)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "QEMU left something other than a file",
        ));
    }
    let mut picture = Vec::new();
    file.take(LARGEST).read_to_end(&mut picture)?;
    if !picture.starts_with(&SIGNATURE) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "QEMU wrote no PNG picture",
        ));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    fs::write(&name, picture)?;
    fs::rename(&name, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_picture_is_collected() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        fs::write(at("secret"), "root:x:0:0").expect("a file");
        fs::write(at("good"), [&SIGNATURE[..], b"rest"].concat()).expect("a file");
        std::os::unix::fs::symlink(at("good"), at("link")).expect("a link");
        fs::create_dir(at("dir")).expect("a directory");
        for bad in ["secret", "link", "dir", "missing"] {
            collect(&at(bad), &at("out.png")).expect_err(bad);
            assert!(!at("out.png").exists(), "{bad}");
        }
        collect(&at("good"), &at("out.png")).expect("a picture");
        assert_eq!(
            fs::read(at("out.png")).expect("a file"),
            [&SIGNATURE[..], b"rest"].concat()
        );
        assert!(!at("out.png.part").exists());
    }
}
