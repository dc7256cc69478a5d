//! The QEMU binary: where it is and which version it has.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::Serialize;

use crate::error::ProbeError;
use crate::spec::Arch;

/// Other names under which distributions install the system emulator of their own architecture.
const NATIVE_NAMES: [&str; 2] = ["qemu-kvm", "kvm"];

/// Distributions of the Red Hat family keep the binary out of `PATH`.
const OUTSIDE_PATH: [&str; 1] = ["/usr/libexec/qemu-kvm"];

/// The oldest QEMU that has all that this crate uses (PNG screendumps came with 7.1).
const OLDEST: Version = Version {
    major: 7,
    minor: 1,
    micro: 0,
};

/// A version of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Version {
    /// `10` of `10.0.2`.
    pub major: u32,
    /// `0` of `10.0.2`.
    pub minor: u32,
    /// `2` of `10.0.2`.
    pub micro: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// A QEMU system emulator that exists and answered `--version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    path: PathBuf,
    version: Version,
    /// Where its features are kept.
    pub(crate) cache: Option<PathBuf>,
    /// It is not there, and is not to be asked.
    assumed: bool,
}

/// What tells one installed file from its successor.
type FileKey = (PathBuf, u64, u64, i64, i64);

/// Versions already asked for in this process. An upgrade of the package changes the key.
static VERSIONS: LazyLock<Mutex<HashMap<FileKey, Version>>> = LazyLock::new(Mutex::default);

impl Binary {
    /// Finds the QEMU for machines of `arch` and asks for its version: about 10 ms the first time, microseconds from
    /// then on. Blocks for that time; `path` of `None` searches `PATH` for `qemu-system-<arch>` and, for the
    /// architecture of this host, for `qemu-kvm` and `kvm`.
    ///
    /// # Errors
    /// See [`ProbeError`]: not found, not executable, not QEMU, or older than 7.1.
    pub fn probe_for(arch: Arch, path: Option<&Path>) -> Result<Self, ProbeError> {
        let path = match path {
            Some(path) => executable(path).ok_or_else(|| ProbeError::NotExecutable {
                path: path.to_owned(),
            })?,
            None => find(arch)?,
        };
        Self::ask(path)
    }

    /// [`Binary::probe_for`] a PC.
    ///
    /// # Errors
    /// As there.
    pub fn probe(path: Option<&Path>) -> Result<Self, ProbeError> {
        Self::probe_for(Arch::X86_64, path)
    }

    fn ask(path: PathBuf) -> Result<Self, ProbeError> {
        let key = file_key(&path).map_err(|source| ProbeError::Run {
            path: path.clone(),
            source,
        })?;
        let known = VERSIONS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .copied();
        let version = match known {
            Some(version) => version,
            None => {
                let version = ask_version(&path)?;
                VERSIONS
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(key, version);
                version
            }
        };
        if version < OLDEST {
            return Err(ProbeError::TooOld {
                path,
                found: version,
                needed: OLDEST,
            });
        }
        Ok(Self {
            path,
            version,
            cache: None,
            assumed: false,
        })
    }

    /// Where the binary is, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// A binary that was not asked, for tests of the command line.
    #[cfg(test)]
    pub(crate) fn assumed(path: &str, version: Version) -> Self {
        Self {
            path: PathBuf::from(path),
            version,
            cache: None,
            assumed: true,
        }
    }

    /// Whether it was not asked.
    pub(crate) fn is_assumed(&self) -> bool {
        self.assumed
    }
}

/// Searches `PATH`, and where distributions put the binary besides.
fn find(arch: Arch) -> Result<PathBuf, ProbeError> {
    let mut names = vec![format!("qemu-system-{arch}")];
    let native = arch.name() == std::env::consts::ARCH;
    if native {
        names.extend(NATIVE_NAMES.map(str::to_owned));
    }
    let outside = OUTSIDE_PATH.iter().filter(|_| native);
    names
        .iter()
        .find_map(|name| find_in_path(name))
        .or_else(|| {
            outside
                .into_iter()
                .find_map(|path| executable(Path::new(path)))
        })
        .ok_or(ProbeError::NotFound { arch, names })
}

/// Looks a program up in `PATH`.
pub(crate) fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .find_map(|dir| executable(&dir.join(name)))
}

/// The path made absolute, if it is an executable file.
fn executable(path: &Path) -> Option<PathBuf> {
    let meta = fs::metadata(path).ok()?;
    let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
    runs.then(|| std::path::absolute(path).ok()).flatten()
}

fn file_key(path: &Path) -> std::io::Result<FileKey> {
    let meta = fs::metadata(path)?;
    Ok((
        path.to_owned(),
        meta.dev(),
        meta.ino(),
        meta.mtime(),
        meta.mtime_nsec(),
    ))
}

fn ask_version(path: &Path) -> Result<Version, ProbeError> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ProbeError::Run {
            path: path.to_owned(),
            source,
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| {
        let shown = if text.trim().is_empty() {
            String::from_utf8_lossy(&output.stderr)
        } else {
            text
        };
        let line = shown.lines().next().unwrap_or_default();
        ProbeError::NotQemu {
            path: path.to_owned(),
            output: line.chars().take(200).collect(),
        }
    })
}

/// Reads `QEMU emulator version 10.0.2 (Debian ...)`.
fn parse_version(text: &str) -> Option<Version> {
    let (_, rest) = text.lines().next()?.split_once("QEMU emulator version ")?;
    let number = rest
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let mut parts = number.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    Some(Version {
        major: part()?,
        minor: part()?,
        micro: part().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_and_of_git_are_read() {
        let read = |text| parse_version(text).map(|v| v.to_string());
        assert_eq!(
            read("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright").as_deref(),
            Some("7.2.22")
        );
        assert_eq!(
            read("QEMU emulator version 10.0.50 (v10.0.0-123-gabc)").as_deref(),
            Some("10.0.50")
        );
        assert_eq!(read("QEMU emulator version 9.1").as_deref(), Some("9.1.0"));
        assert_eq!(read("GNU bash, version 5.2"), None);
        assert_eq!(read("QEMU emulator version banana"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn what_is_not_qemu_is_named_in_the_error() {
        let error = Binary::probe(Some(Path::new("/bin/cat"))).expect_err("cat is not QEMU");
        assert!(
            matches!(&error, ProbeError::NotQemu { output, .. } if output.contains("cat")),
            "{error}"
        );
        let error = Binary::probe(Some(Path::new("/nonexistent/qemu"))).expect_err("no such file");
        assert!(
            error
                .to_string()
                .contains("apt-get install qemu-system-x86"),
            "{error}"
        );
    }
}
