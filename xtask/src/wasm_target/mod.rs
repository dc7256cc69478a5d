//! The Rust target that packs are built for, `wasm32-wasip2`, made to work for the active toolchain.
//!
//! 1. A build with the target works: nothing to do. A stamp remembers that, so that asking again takes no build.
//! 2. `rustup target add` gets the target: done.
//! 3. Otherwise (a mirror without the targets, a toolchain that is not rustup's) the standard library is built once,
//!    from Debian's source package of the very same compiler version and Debian's wasi-libc, and put into the sysroot.

mod debian;
mod std_build;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use crate::system::{find_command, status, tail};

/// The target of all packs.
const TARGET: &str = "wasm32-wasip2";

/// In the target's directory of the sysroot: it was built here, and rustup knows nothing of it.
///
/// rustup refuses to install over files that it does not know, and must not go on believing that it owns files which
/// were replaced. So the two kinds of installation are kept apart by this marker.
const MARKER: &str = ".built-from-source";

/// Seconds that rustup gets.
const RUSTUP_TIMEOUT: &str = "60";

/// Makes sure that a build for [`TARGET`] works.
///
/// # Errors
/// If neither rustup nor Debian's archive can provide the target.
pub(crate) fn ensure_wasm_target() -> Result<()> {
    let toolchain = Toolchain::active()?;
    let directory = target_directory();
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    // Two chores at once must not both install. The lock ends with the process, however it ends.
    let lock = fs::File::create(directory.join(".wasm-target.lock"))?;
    lock.lock()?;

    let stamp = directory.join(".wasm-target.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == toolchain.stamp())
        && toolchain.libraries().is_dir()
    {
        status("Fresh", &format!("target {TARGET}"));
        return Ok(());
    }
    if toolchain.libraries().is_dir() && probe(&toolchain).is_ok() {
        status("Fresh", &format!("target {TARGET}"));
    } else {
        install(&toolchain)?;
        // Packs that were built against another standard library do not link with this one.
        remove_if_there(&directory.join(TARGET))?;
    }
    fs::write(&stamp, toolchain.stamp())?;
    Ok(())
}

/// Installs the target by the first way that works.
fn install(toolchain: &Toolchain) -> Result<()> {
    let home = toolchain.target_home();
    if home.join(MARKER).exists() {
        remove_if_there(&home)?;
    }
    status("Installing", &format!("target {TARGET} ..."));
    let reason = match add_by_rustup().and_then(|()| probe(toolchain)) {
        Ok(()) => {
            status("Installed", &format!("target {TARGET}, by rustup"));
            return Ok(());
        }
        Err(error) => error,
    };
    let reason = format!("{reason:#}");
    status(
        "Building",
        &format!(
            "target {TARGET} from Debian's sources ({})",
            reason.lines().last().unwrap_or_default()
        ),
    );
    forget_by_rustup();
    install_from_source(toolchain)?;
    status("Installed", &format!("target {TARGET}, from source"));
    Ok(())
}

/// Fetches the sources, builds the standard library and puts it into the sysroot of `toolchain`.
fn install_from_source(toolchain: &Toolchain) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let sources = debian::fetch_sources(toolchain, scratch.path())?;
    std_build::install(toolchain, &sources, scratch.path())?;
    probe(toolchain).context("the standard library was built and installed, and does not work")
}

/// `rustup target add`, with a limit: behind a proxy without the files it may hang for minutes.
fn add_by_rustup() -> Result<()> {
    if find_command("rustup").is_none() {
        bail!("the toolchain is not rustup's");
    }
    let output = Command::new("timeout")
        .args([RUSTUP_TIMEOUT, "rustup", "target", "add", TARGET])
        .output()?;
    match output.status.code() {
        Some(0) => Ok(()),
        Some(124) => bail!("rustup gave no answer in {RUSTUP_TIMEOUT} s"),
        _ => bail!("rustup failed: {}", tail(&output, 1)),
    }
}

/// Makes rustup forget the target, if it believes to have it. That it does not is no failure.
fn forget_by_rustup() {
    let installed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output();
    let listed = |output: Output| {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .any(|line| line.trim() == TARGET)
    };
    if installed.is_ok_and(listed) {
        let _ = Command::new("rustup")
            .args(["target", "remove", TARGET])
            .output();
    }
}

/// Builds a small library for the target, with the allocator and formatting of the standard library in it.
fn probe(toolchain: &Toolchain) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    write_package(
        scratch.path(),
        "crate-type = [\"cdylib\"]",
        "#[unsafe(no_mangle)]
        pub extern \"C\" fn f(n: usize) -> usize {
            (0..n).map(|i| i.to_string()).collect::<Vec<String>>().concat().len()
        }",
    )?;
    let mut cargo = cargo(scratch.path());
    cargo.args(["build", "--offline", "--target", TARGET]);
    if toolchain.redirected {
        cargo.env(
            "RUSTFLAGS",
            format!("--sysroot={}", toolchain.sysroot.display()),
        );
    }
    let output = cargo.output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("a build for {TARGET} fails:\n{}", tail(&output, 15));
    }
    Ok(())
}

/// Writes a package without dependencies, outside of any workspace.
fn write_package(directory: &Path, library: &str, source: &str) -> Result<()> {
    fs::create_dir_all(directory.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[lib]\n{library}\n\
         [profile.release]\nopt-level = 3\ndebug = 0\n"
    );
    fs::write(directory.join("Cargo.toml"), manifest)?;
    fs::write(directory.join("src/lib.rs"), source)?;
    Ok(())
}

/// The cargo of the active toolchain, in `directory`, without what this process' own build has put into the
/// environment or the developer's shell has set for other builds.
fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", directory.join("target"));
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_BOOTSTRAP",
    ] {
        command.env_remove(name);
    }
    command
}

/// What the active rustc prints.
fn ask_rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .args(arguments)
        .output()
        .context("rustc does not start")?;
    if !output.status.success() {
        bail!(
            "`rustc {}` failed:\n{}",
            arguments.join(" "),
            tail(&output, 5)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The `target` directory of the workspace.
fn target_directory() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."));
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |path| workspace.join(path))
}

/// Removes a directory with all that is in it; that it is not there is fine.
fn remove_if_there(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// A Rust toolchain, as far as installing a target goes.
struct Toolchain {
    /// What `rustc -vV` prints.
    verbose_version: String,
    /// Where the toolchain's libraries are.
    sysroot: PathBuf,
    /// The sysroot is not the compiler's own: it has to be told.
    redirected: bool,
}

impl Toolchain {
    /// The toolchain that cargo uses in this directory.
    fn active() -> Result<Self> {
        Ok(Self {
            verbose_version: ask_rustc(&["-vV"])?,
            sysroot: PathBuf::from(ask_rustc(&["--print", "sysroot"])?),
            redirected: false,
        })
    }

    /// A field of the verbose version, such as `release` or `commit-hash`.
    fn field(&self, name: &str) -> Result<&str> {
        self.verbose_version
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .with_context(|| format!("`rustc -vV` has no {name}"))
    }

    /// The directory of the target in the sysroot.
    fn target_home(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET)
    }

    /// The directory of the target's libraries.
    fn libraries(&self) -> PathBuf {
        self.target_home().join("lib")
    }

    /// What the stamp says when the target of this very toolchain was seen working.
    fn stamp(&self) -> String {
        format!("{}\n{}\n", self.verbose_version, self.libraries().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_toolchain_tells_its_version() {
        let toolchain = Toolchain::active().unwrap();
        assert!(
            toolchain
                .field("release")
                .unwrap()
                .starts_with(char::is_numeric)
        );
        assert!(toolchain.sysroot.join("lib").is_dir());
    }

    /// Builds the standard library into a sysroot beside the real one. Takes a minute and downloads 100 MB.
    #[test]
    #[ignore = "downloads sources and builds the standard library"]
    fn target_from_source_works() {
        let active = Toolchain::active().unwrap();
        let host = active.field("host").unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let rustlib = scratch.path().join("lib/rustlib");
        fs::create_dir_all(&rustlib).unwrap();
        // The linker comes from the host's part of the sysroot.
        std::os::unix::fs::symlink(
            active.sysroot.join("lib/rustlib").join(host),
            rustlib.join(host),
        )
        .unwrap();
        let toolchain = Toolchain {
            sysroot: scratch.path().to_owned(),
            redirected: true,
            ..active
        };
        assert!(probe(&toolchain).is_err());
        install_from_source(&toolchain).unwrap();
        assert!(toolchain.target_home().join(MARKER).exists());
    }
}
