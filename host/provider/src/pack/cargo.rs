//! The Cargo package of a pack: what it is called, and its component.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{CrateType, Message, Metadata, MetadataCommand, Package};

/// What packs are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Why a Cargo package does not become a component.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// Cargo does not understand the package.
    #[error("cargo does not understand {}", .path.display())]
    Metadata {
        /// Its manifest.
        path: PathBuf,
        /// What cargo says.
        source: cargo_metadata::Error,
    },
    /// There is a workspace and no package.
    #[error("{} is a workspace without a package of its own; name the directory of the package", .path.display())]
    NoPackage {
        /// The manifest.
        path: PathBuf,
    },
    /// The package is not made to be a component.
    #[error(
        "the package {name} makes no component; write `[lib]` and `crate-type = [\"cdylib\"]` into its Cargo.toml"
    )]
    NoComponent {
        /// The package.
        name: String,
    },
    /// Cargo cannot be run.
    #[error("cannot run cargo; https://rustup.rs installs it")]
    NoCargo(#[source] std::io::Error),
    /// The target is not there.
    #[error("the target {TARGET} is not installed; `rustup target add {TARGET}` installs it")]
    NoTarget,
    /// The package does not compile; cargo has said why.
    #[error("the package {name} does not compile")]
    Compile {
        /// The package.
        name: String,
    },
}

/// A Cargo package.
#[derive(Debug)]
pub struct CargoPackage {
    manifest: PathBuf,
    package: Package,
    target: PathBuf,
}

impl CargoPackage {
    /// Asks cargo for the package of a directory.
    ///
    /// # Errors
    /// [`CargoError`] if there is no cargo, or it finds no package there.
    pub fn open(dir: &Path) -> Result<Self, CargoError> {
        let manifest = dir.join("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .map_err(|source| match source {
                cargo_metadata::Error::Io(error) => CargoError::NoCargo(error),
                source => CargoError::Metadata {
                    path: manifest.clone(),
                    source,
                },
            })?;
        let package = package_at(&metadata, &manifest).ok_or_else(|| CargoError::NoPackage {
            path: manifest.clone(),
        })?;
        if !package.targets.iter().any(is_component) {
            return Err(CargoError::NoComponent {
                name: package.name.to_string(),
            });
        }
        Ok(Self {
            manifest,
            package,
            target: metadata.target_directory.into_std_path_buf(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.package.name
    }

    /// Its version.
    pub fn version(&self) -> String {
        self.package.version.to_string()
    }

    /// Where its packs go: beside everything else that cargo makes.
    pub fn packs(&self) -> PathBuf {
        self.target.join("packs")
    }

    /// Compiles it, optimised, and gives the path of the component. Cargo tells its progress and its errors itself, on
    /// standard error.
    ///
    /// # Errors
    /// [`CargoError`] if it does not compile.
    pub fn compile(&self) -> Result<PathBuf, CargoError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut child = Command::new(cargo)
            .args(["build", "--release", "--target", TARGET, "--lib"])
            .args([
                "--message-format",
                "json-render-diagnostics",
                "--manifest-path",
            ])
            .arg(&self.manifest)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(CargoError::NoCargo)?;
        let mut component = None;
        if let Some(stdout) = child.stdout.take() {
            // To the end, so that cargo is never kept waiting.
            for message in Message::parse_stream(BufReader::new(stdout)).map_while(Result::ok) {
                if let Message::CompilerArtifact(artifact) = message
                    && artifact.package_id == self.package.id
                    && is_component(&artifact.target)
                {
                    let wasm = |file: &&cargo_metadata::camino::Utf8PathBuf| {
                        file.extension() == Some("wasm")
                    };
                    component = artifact.filenames.iter().find(wasm).cloned();
                }
            }
        }
        let status = child.wait().map_err(CargoError::NoCargo)?;
        match component {
            Some(component) if status.success() => Ok(component.into_std_path_buf()),
            _ if !has_target(&self.manifest) => Err(CargoError::NoTarget),
            _ => Err(CargoError::Compile {
                name: self.package.name.to_string(),
            }),
        }
    }
}

fn package_at(metadata: &Metadata, manifest: &Path) -> Option<Package> {
    let manifest = manifest.canonicalize().ok()?;
    let here = |package: &&Package| {
        package
            .manifest_path
            .canonicalize()
            .is_ok_and(|path| path == manifest)
    };
    metadata.packages.iter().find(here).cloned()
}

fn is_component(target: &cargo_metadata::Target) -> bool {
    target.crate_types.contains(&CrateType::CDyLib)
}

/// Whether the target's libraries are there: asked after a failure only, because whoever compiles without them in a way
/// of his own is right.
fn has_target(manifest: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(manifest.parent().unwrap_or(Path::new(".")))
        .output();
    // Who cannot tell must not send anyone the wrong way.
    asked.is_ok_and(|asked| {
        let dir = String::from_utf8_lossy(&asked.stdout).into_owned();
        !asked.status.success() || Path::new(dir.trim()).is_dir()
    })
}
