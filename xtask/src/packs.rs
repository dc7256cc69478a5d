//! Building packs: the ones that ship, and the fixtures of the tests.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::sh;

/// Builds vthost and every pack, and gives the directory of the packs.
pub(crate) fn main() -> Result<PathBuf> {
    build(&build_host(false)?)
}

/// Builds the host and gives the path of its binary.
pub(crate) fn build_host(release: bool) -> Result<PathBuf> {
    sh::say("Building", "vthost");
    let mut build = sh::cargo();
    // All that a plain build makes: a selection of its own would build the libraries with other features once more.
    build.arg("build");
    if release {
        build.arg("--release");
    }
    sh::run(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    Ok(sh::target_dir()?.join(profile).join("vthost"))
}

/// Builds every pack with this vthost, and gives their directory.
pub(crate) fn build(vthost: &Path) -> Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(sh::root())
        .no_deps()
        .exec()?;
    let packages = pack_packages(&metadata);
    sh::say(
        "Building",
        format!("{} packs for wasm32-wasip2", packages.len()),
    );
    let mut build = sh::cargo();
    build.args(["build", "--profile", "pack", "--target", "wasm32-wasip2"]);
    for package in &packages {
        build.args(["--package", &package.name]);
    }
    sh::run(&mut build)?;
    let target = metadata.target_directory.as_std_path();
    let packs = target.join("packs");
    for package in packages {
        let component = target
            .join("wasm32-wasip2/pack")
            .join(format!("{}.wasm", package.name.replace('-', "_")));
        pack(vthost, package, &component, &packs)?;
    }
    Ok(packs)
}

fn pack_packages(metadata: &Metadata) -> Vec<&Package> {
    metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            let path = package.manifest_path.as_str();
            path.contains("/providers-wasm/") || path.contains("/tests/fixtures/packs/")
        })
        .collect()
}

fn pack(vthost: &Path, package: &Package, component: &Path, packs: &Path) -> Result<()> {
    let output = packs.join(format!("{}.wasm", package.name));
    let dir = package
        .manifest_path
        .parent()
        .context("a manifest has a directory")?
        .as_std_path();
    let mut inputs = vec![component.to_owned(), vthost.to_owned()];
    for name in ["pack.toml", "cfg", "deps"] {
        add_all(&dir.join(name), &mut inputs)?;
    }
    if is_fresh(&output, &inputs) {
        return Ok(());
    }
    let mut build = sh::command(vthost);
    build.args(["pack", "build"]).arg(dir);
    build.arg("--component").arg(component);
    build.arg("--output").arg(&output);
    build.args([
        "--name",
        &package.name,
        "--pack-version",
        &package.version.to_string(),
    ]);
    sh::run(&mut build)
}

/// Adds a file, or a directory with all that is in it; nothing if it is not there.
fn add_all(path: &Path, to: &mut Vec<PathBuf>) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    to.push(path.to_owned());
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            add_all(&entry?.path(), to)?;
        }
    }
    Ok(())
}

/// Whether a file is newer than all that it is made of.
fn is_fresh(output: &Path, inputs: &[PathBuf]) -> bool {
    let changed = |path: &Path| -> Option<SystemTime> { path.metadata().ok()?.modified().ok() };
    let Some(made) = changed(output) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| changed(input).is_some_and(|time| time < made))
}
