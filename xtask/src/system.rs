//! System packages: what the host needs beside Rust, installed with the host's own package manager.
//!
//! A package counts as installed when the command it is wanted for is there, however it came there: a QEMU built from
//! source is as good as Debian's. So the check asks no package manager, and takes a millisecond.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

/// What building and testing vthost needs, in the format of [`JEOS_PACKAGES`].
const PACKAGES: &str = "
    gcc               cc
    make              make
    qemu-system-x86   qemu-system-x86_64
    qemu-system-arm   qemu-system-aarch64
    qemu-system-misc  qemu-system-riscv64
    qemu-system-ppc   qemu-system-ppc64
    opensbi           /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
    u-boot-qemu       /usr/lib/u-boot/qemu_arm64/u-boot.bin
    swtpm             swtpm
    qemu-utils        qemu-img
    openssh-client    ssh
    openssh-server    sshd
    dropbear-bin      dropbear
    sshpass           sshpass
    busybox           busybox
    git               git
    gnupg             gpg
    gpg-agent         gpg-agent
    qemu-guest-agent  qemu-ga
    python3-minimal   python3
";

/// What building the guest image needs; the recipe owns the list.
const JEOS_PACKAGES: &str = include_str!("../../deps/jeos/host-packages.txt");

/// The directories that `PATH` may lack for ordinary users, although what is in them is of use to them too.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Seconds to wait for another apt to finish.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=120";

/// A Debian package and the command, or the file by its path, that proves it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Package {
    name: &'static str,
    command: &'static str,
}

/// Makes sure that QEMU, the tools of the guest image and those of the tests are there, installing what is missing.
///
/// # Errors
/// If the host has no apt, if there is no way to become root, or if apt fails; the message says what to do by hand.
pub(crate) fn ensure_packages() -> Result<()> {
    let missing = missing_packages();
    if missing.is_empty() {
        status("Fresh", "system packages");
        return Ok(());
    }
    if find_command("apt-get").is_none() {
        let commands: Vec<_> = missing.iter().map(|package| package.command).collect();
        bail!(
            "these commands are missing, and this host has no apt-get to install them with: {}",
            commands.join(", ")
        );
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    let apt = Apt::new(&names)?;
    status("Installing", &format!("{} ...", names.join(" ")));
    apt.install_somehow(&names)?;

    let missing = missing_packages();
    if let Some(package) = missing.first() {
        bail!(
            "the package `{}` was installed, but the command `{}` is not there",
            package.name,
            package.command
        );
    }
    status("Installed", "system packages");
    Ok(())
}

/// Prints one step in the style of cargo: a right-aligned verb, green on terminals, and what it is about.
pub(crate) fn status(verb: &str, message: &str) {
    if io::stderr().is_terminal() {
        eprintln!("\x1b[1;32m{verb:>12}\x1b[0m {message}");
    } else {
        eprintln!("{verb:>12} {message}");
    }
}

/// The path of a command, looked for in `PATH` and in the system directories.
pub(crate) fn find_command(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| {
            // A file that is named by its path needs not be a program.
            let runs = |data: &fs::Metadata| data.permissions().mode() & 0o111 != 0;
            fs::metadata(file)
                .is_ok_and(|data| data.is_file() && (name.starts_with('/') || runs(&data)))
        })
}

/// The URIs of this machine's own apt sources, from files of both formats (`*.list` and `*.sources`).
pub(crate) fn apt_uris() -> Vec<String> {
    let mut uris = Vec::new();
    for file in apt_source_files() {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if file.extension() == Some(OsStr::new("sources")) {
            let values = text.lines().filter_map(|line| line.strip_prefix("URIs:"));
            uris.extend(values.flat_map(str::split_whitespace).map(str::to_owned));
        } else {
            uris.extend(text.lines().filter_map(one_line_uri).map(str::to_owned));
        }
    }
    uris
}

/// The URI of a line like `deb [signed-by=...] URI suite component`.
fn one_line_uri(line: &str) -> Option<&str> {
    // With the blank: `deb-src` lines are about sources.
    let rest = line.strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    rest.split_whitespace().next()
}

/// The files with apt sources, in the order in which apt reads them.
fn apt_source_files() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
        })
        .collect();
    files.sort();
    files.insert(0, PathBuf::from("/etc/apt/sources.list"));
    files
}

/// The packages whose command is not there.
fn missing_packages() -> Vec<Package> {
    [PACKAGES, JEOS_PACKAGES]
        .into_iter()
        .flat_map(parse_packages)
        .filter(|package| find_command(package.command).is_none())
        .fold(Vec::new(), |mut unique, package| {
            if !unique.contains(&package) {
                unique.push(package);
            }
            unique
        })
}

/// Reads a list: one package and its command per line, `#` starts a comment.
fn parse_packages(text: &'static str) -> impl Iterator<Item = Package> {
    text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        Some(Package {
            name: words.next()?,
            command: words.next()?,
        })
    })
}

/// The package manager, with the rights to use it.
struct Apt {
    sudo: bool,
}

impl Apt {
    /// Finds out how to become root; `names` are for the message that says what to do when there is no way.
    fn new(names: &[&str]) -> Result<Self> {
        let user = Command::new("id")
            .arg("-u")
            .output()
            .context("id does not start")?;
        let root = user.stdout.trim_ascii() == b"0";
        if !root && find_command("sudo").is_none() {
            bail!(
                "system packages are missing; run as root:\n  apt-get update && apt-get install -y --no-install-recommends {}",
                names.join(" ")
            );
        }
        Ok(Self { sudo: !root })
    }

    /// Installs packages, with as little beside it as is needed: new package lists only if the ones at hand do not
    /// do, backports only for what conflicts otherwise, and a second try if the first one fails.
    fn install_somehow(&self, names: &[&str]) -> Result<()> {
        if !solvable(names) {
            self.update()?;
        }
        let (names, stuck): (Vec<_>, Vec<_>) = if solvable(names) {
            (names.to_vec(), Vec::new())
        } else {
            names.iter().partition(|name| solvable(&[name]))
        };
        if !names.is_empty() && self.install(&names, &[]).is_err() {
            // Most often the lists were too old, and name files that the archive has replaced since.
            self.update()?;
            self.install(&names, &[])?;
        }
        if !stuck.is_empty() {
            self.install_from_backports(&stuck)?;
        }
        Ok(())
    }

    /// Installs from the backports archive, which needs not be among this machine's sources.
    ///
    /// For a machine that has one half of a pair from there already: a `qemu-utils` from backports conflicts with the
    /// release's older `qemu-system-x86`. Sources and lists of the machine stay as they are.
    fn install_from_backports(&self, names: &[&str]) -> Result<()> {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .with_context(|| format!("apt cannot install {}", names.join(" ")))?;
        let uri = apt_uris()
            .into_iter()
            .find(|uri| uri.trim_end_matches('/').ends_with("/debian"))
            .with_context(|| {
                format!(
                    "apt cannot install {}, and no Debian archive is in its sources",
                    names.join(" ")
                )
            })?;
        status(
            "Updating",
            &format!(
                "package lists of {codename}-backports ({} conflicts without)",
                names.join(" ")
            ),
        );

        let scratch = tempfile::tempdir()?;
        // apt downloads as a user of its own, which has to be able to read this.
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
        let parts = scratch.path().join("parts");
        fs::create_dir_all(&parts)?;
        fs::create_dir_all(scratch.path().join("lists/partial"))?;
        for file in apt_source_files().iter().skip(1) {
            fs::copy(file, parts.join(file.file_name().unwrap_or_default()))?;
        }
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let signed = if Path::new(keyring).exists() {
            format!("[signed-by={keyring}] ")
        } else {
            String::new()
        };
        fs::write(
            parts.join("backports.list"),
            format!("deb {signed}{uri} {codename}-backports main\n"),
        )?;

        let sources = format!("Dir::Etc::sourceparts={}", parts.display());
        let lists = format!(
            "Dir::State::lists={}",
            scratch.path().join("lists").display()
        );
        self.run(&["-o", &sources, "-o", &lists, "update"])?;
        let target = format!("{codename}-backports");
        self.install(names, &["-o", &sources, "-o", &lists, "-t", &target])
    }

    /// `apt-get update`.
    fn update(&self) -> Result<()> {
        status("Updating", "package lists");
        self.run(&["update"])
    }

    /// `apt-get install`, without asking and without what is only recommended. Left to itself, apt would solve a
    /// conflict by removing what the user had.
    fn install(&self, names: &[&str], options: &[&str]) -> Result<()> {
        let mut arguments = options.to_vec();
        arguments.extend(["install", "-y", "--no-install-recommends", "--no-remove"]);
        arguments.extend(names);
        self.run(&arguments)
    }

    /// Runs apt-get as root; its output is shown only if it fails.
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut command = if self.sudo {
            let mut command = Command::new("sudo");
            // sudo drops the environment.
            command.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            command
        } else {
            Command::new("apt-get")
        };
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-o", LOCK_TIMEOUT])
            .args(arguments);
        let output = command.output().context("apt-get does not start")?;
        if !output.status.success() {
            bail!(
                "`apt-get {}` failed ({}):\n{}",
                arguments.join(" "),
                output.status,
                tail(&output, 15)
            );
        }
        Ok(())
    }
}

/// Would apt install these packages, with the lists at hand? Asks without locks and without rights.
fn solvable(names: &[&str]) -> bool {
    Command::new("apt-get")
        .args([
            "-q",
            "--simulate",
            "install",
            "--no-install-recommends",
            "--no-remove",
        ])
        .args(names)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The last lines of what a command printed, for a message.
pub(crate) fn tail(output: &Output, count: usize) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_lists_are_well_formed() {
        for text in [PACKAGES, JEOS_PACKAGES] {
            let lines = text
                .lines()
                .map(|line| line.split('#').next().unwrap_or("").trim());
            assert_eq!(
                lines.filter(|line| !line.is_empty()).count(),
                parse_packages(text).count()
            );
        }
    }

    #[test]
    fn uri_of_one_line_sources() {
        assert_eq!(
            one_line_uri("deb http://host/debian sid main"),
            Some("http://host/debian")
        );
        assert_eq!(
            one_line_uri("deb [arch=amd64 signed-by=/k] http://host/debian sid main"),
            Some("http://host/debian")
        );
        assert_eq!(one_line_uri("# deb http://host/debian sid main"), None);
        assert_eq!(one_line_uri("deb-src http://host/debian sid main"), None);
        assert_eq!(one_line_uri(""), None);
    }

    #[test]
    fn commands_are_found_by_name() {
        assert!(find_command("sh").is_some());
        assert!(find_command("no-such-command").is_none());
    }
}
