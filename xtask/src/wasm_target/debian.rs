//! Fetches the sources of Rust's standard library, and wasi-libc, from the Debian archive that this machine's apt
//! sources name.
//!
//! With an apt of its own: lists, cache and sources are in a scratch directory and no rights are needed; the machine's
//! apt is not touched, and other suites than the machine's can be asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{TARGET, Toolchain};
use crate::system::{apt_uris, status, tail};

/// Where `rust-src` of a new compiler appears, the most likely first; the first suite that has it wins.
const RUST_SUITES: &[&str] = &[
    "trixie-backports",
    "forky",
    "sid",
    "experimental",
    "trixie",
    "bookworm-backports",
];

/// Where a wasi-libc is that has the files for WASI 0.2.
const WASI_LIBC_SUITES: &[&str] = &["forky", "sid", "trixie-backports"];

/// The version of wasi-libc, a date, that first had them.
const OLDEST_WASI_LIBC: &str = "0.0~git2026";

/// What the archive gave.
pub(super) struct Sources {
    /// The sources of the standard library: the directory that contains `library`.
    pub(super) rust: PathBuf,
    /// The start files and archives of wasi-libc.
    pub(super) libc: PathBuf,
}

/// Downloads and unpacks the sources into `scratch`.
pub(super) fn fetch_sources(toolchain: &Toolchain, scratch: &Path) -> Result<Sources> {
    let apt = PrivateApt::new(&scratch.join("apt"))?;
    let release = toolchain.field("release")?;
    let root = scratch.join("root");
    // Debian appends its revision: 1.95.0+dfsg1-2.
    let same_release = |version: &str| {
        version
            .strip_prefix(release)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '-', '~']))
    };
    apt.unpack("rust-src", &same_release, RUST_SUITES, &root)?;
    apt.unpack(
        "wasi-libc",
        &|version| version >= OLDEST_WASI_LIBC,
        WASI_LIBC_SUITES,
        &root,
    )?;

    let rust = root.join(format!("usr/src/rustc-{release}"));
    if !rust.join("library/std/Cargo.toml").is_file() {
        bail!("rust-src has no standard library of Rust {release}");
    }
    Ok(Sources {
        rust,
        libc: root.join("usr/lib").join(TARGET),
    })
}

/// An apt with its own directories.
struct PrivateApt {
    directory: PathBuf,
    archive: String,
    keyring: String,
}

impl PrivateApt {
    /// Makes the directories that apt wants to find.
    fn new(directory: &Path) -> Result<Self> {
        let archive = match std::env::var("DEBIAN_MIRROR") {
            Ok(uri) => uri,
            Err(_) => apt_uris()
                .into_iter()
                .find(|uri| uri.trim_end_matches('/').ends_with("/debian"))
                .context("no Debian archive in this machine's apt sources (set DEBIAN_MIRROR)")?,
        };
        for name in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "etc/trusted.gpg.d",
            "lists/partial",
            "cache/archives/partial",
            "state",
        ] {
            fs::create_dir_all(directory.join(name))?;
        }
        fs::write(directory.join("state/status"), "")?;
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg".to_owned();
        Ok(Self {
            directory: directory.to_owned(),
            archive,
            keyring,
        })
    }

    /// Unpacks a version of `package` that `wanted` accepts below `root`, from the first suite that has one.
    fn unpack(
        &self,
        package: &str,
        wanted: &dyn Fn(&str) -> bool,
        suites: &[&str],
        root: &Path,
    ) -> Result<()> {
        for suite in suites {
            if let Err(error) = self.update(suite) {
                status("Skipping", &format!("{suite}: {error:#}"));
                continue;
            }
            let Some(version) = self
                .versions(package)?
                .into_iter()
                .find(|version| wanted(version))
            else {
                continue;
            };
            status("Fetching", &format!("{package} {version} from {suite}"));
            return self.download(package, &version, root);
        }
        bail!("no suitable {package} in any of: {}", suites.join(", "))
    }

    /// Reads the lists of one suite.
    fn update(&self, suite: &str) -> Result<()> {
        let line = format!(
            "deb [signed-by={}] {} {suite} main\n",
            self.keyring, self.archive
        );
        fs::write(self.directory.join("etc/sources.list"), line)?;
        self.run(self.command("apt-get").arg("update")).map(drop)
    }

    /// The versions of a package in the suite that was read last, the newest first.
    fn versions(&self, package: &str) -> Result<Vec<String>> {
        let table = self.run(self.command("apt-cache").args(["madison", package]))?;
        Ok(table
            .lines()
            .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()))
            .collect())
    }

    /// Downloads one version of a package and unpacks it.
    fn download(&self, package: &str, version: &str, root: &Path) -> Result<()> {
        let directory = self.directory.join(package);
        fs::create_dir_all(&directory)?;
        self.run(
            self.command("apt-get")
                .current_dir(&directory)
                .args(["download", &format!("{package}={version}")]),
        )?;
        for entry in fs::read_dir(&directory)? {
            self.run(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(entry?.path())
                    .arg(root),
            )?;
        }
        Ok(())
    }

    /// A command of apt, pointed at the private directories.
    fn command(&self, name: &str) -> Command {
        let directory = self.directory.display();
        let mut command = Command::new(name);
        for option in [
            format!("Dir::Etc={directory}/etc"),
            format!("Dir::Etc::sourcelist={directory}/etc/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State={directory}/state"),
            format!("Dir::State::lists={directory}/lists"),
            format!("Dir::State::status={directory}/state/status"),
            format!("Dir::Cache={directory}/cache"),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures=amd64".to_owned(),
            // The packages are for all architectures, but are listed with one.
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
            "Acquire::Check-Valid-Until=false".to_owned(),
            // As root, apt downloads as another user, which may not enter the scratch directory.
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// Runs a command and gives what it printed.
    fn run(&self, command: &mut Command) -> Result<String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = command
            .output()
            .with_context(|| format!("{name} does not start"))?;
        if !output.status.success() {
            bail!("{name} failed: {}", tail(&output, 3));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
