//! Builds the standard library for the target and puts it into a sysroot.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::debian::Sources;
use super::{MARKER, TARGET, Toolchain, cargo, remove_if_there, write_package};
use crate::system::{status, tail};

/// Builds the standard library in `scratch` and installs it, with wasi-libc, in the sysroot of `toolchain`.
pub(super) fn install(toolchain: &Toolchain, sources: &Sources, scratch: &Path) -> Result<()> {
    let build = scratch.join("build");
    status("Compiling", &format!("the standard library for {TARGET}"));
    compile(toolchain, sources, &build)?;
    collect(
        toolchain,
        sources,
        &build.join("target").join(TARGET).join("release"),
    )
}

/// Compiles an empty crate, and the standard library with it.
fn compile(toolchain: &Toolchain, sources: &Sources, build: &Path) -> Result<()> {
    write_package(build, "crate-type = [\"rlib\"]", "")?;
    // The paths in panic messages are those of the official builds. LTO needs the bitcode.
    let flags = format!(
        "-Cembed-bitcode=yes --remap-path-prefix={}=/rustc/{} -Lnative={}",
        sources.rust.display(),
        toolchain.field("commit-hash")?,
        sources.libc.display(),
    );
    let output = cargo(build)
        .args(["build", "--release", "--target", TARGET])
        .args([
            "-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test",
            "-Zbuild-std-features=",
        ])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags)
        // -Zbuild-std looks for the sources in the sysroot; this points it elsewhere, so that the sysroot only ever
        // gets the finished libraries.
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", sources.rust.join("library"))
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!(
            "the standard library for {TARGET} does not build:\n{}",
            tail(&output, 30)
        );
    }
    Ok(())
}

/// Copies the libraries beside their place in the sysroot, and moves them there when they are complete.
fn collect(toolchain: &Toolchain, sources: &Sources, release: &Path) -> Result<()> {
    let home = toolchain.target_home();
    let new = home.with_file_name(format!("{TARGET}.new.{}", std::process::id()));
    remove_if_there(&new)?;
    let libraries = new.join("lib");
    let linked = libraries.join("self-contained");
    fs::create_dir_all(&linked).with_context(|| {
        format!(
            "cannot write to the sysroot {}",
            toolchain.sysroot.display()
        )
    })?;

    for entry in fs::read_dir(release.join("deps")).context("the build left no libraries")? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        // All crates but the empty one that they were compiled with.
        if text.ends_with(".rlib") && !text.starts_with("libprobe-") {
            fs::copy(entry.path(), libraries.join(&name))?;
        }
    }
    for entry in fs::read_dir(&sources.libc).context("wasi-libc has no files for the target")? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".a") || (text.starts_with("crt1") && text.ends_with(".o")) {
            fs::copy(entry.path(), linked.join(&name))?;
        }
    }
    fs::write(new.join(MARKER), "")?;

    remove_if_there(&home)?;
    fs::rename(&new, &home)
        .with_context(|| format!("cannot move the libraries to {}", home.display()))
}
