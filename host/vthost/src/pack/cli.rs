//! The arguments of `vthost pack`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    #[command(subcommand)]
    pub(crate) command: PackCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// Begin a pack: a Cargo package with one test, which builds and runs as it is
    New(NewArgs),
    /// Make a pack: compile a Cargo package or take a component, ask it for its tests, and put all that belongs to it
    /// into one file
    Build(BuildArgs),
    /// Show what is in a pack, without running it
    Inspect(InspectArgs),
    /// Write what is in a pack to a directory
    Extract(ExtractArgs),
    /// Sign a pack with an ed25519 key of OpenSSH's
    Sign(SignArgs),
    /// Check the signature of a pack
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The name of the pack
    pub(super) name: String,
    /// The language of its tests: rust
    #[arg(long, default_value = "rust")]
    pub(super) lang: String,
    /// The directory to make [default: the name of the pack]
    #[arg(long, value_name = "DIR")]
    pub(super) path: Option<PathBuf>,
    /// A clone of vthost to take the SDK from [default: the one that this program was built in, else vthost's
    /// repository]
    #[arg(long, value_name = "DIR", env = "VTHOST_SDK")]
    pub(super) sdk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// A directory with a Cargo.toml or a pack.toml, or a component that a toolchain built for wasm32-wasip2
    #[arg(value_name = "DIR|COMPONENT")]
    pub(super) source: PathBuf,
    /// The pack to write [default: target/packs/NAME.wasm of a Cargo package, else NAME.wasm in the directory; needed
    /// for a component]
    #[arg(short, long, value_name = "PACK.wasm")]
    pub(super) output: Option<PathBuf>,
    /// The component of the directory, if it is built already
    #[arg(long, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,
    /// The name of the pack [default: what pack.toml or Cargo.toml say, else the name of the output]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The version of the pack [default: what pack.toml or Cargo.toml say, else 0.0.0]
    #[arg(long, value_name = "VERSION")]
    pub(super) pack_version: Option<String>,
    /// A directory of Cartesian configuration: `*.cfg` for all backends, `BACKEND/*.cfg` for one [default: `cfg` of the
    /// directory; without any, every test is a variant of its own]
    #[arg(long, value_name = "DIR")]
    pub(super) cfg: Option<PathBuf>,
    /// A directory of files that tests read as `/deps/...` [default: `deps` of the directory]
    #[arg(long, value_name = "DIR")]
    pub(super) deps: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The pack
    pub(super) pack: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The pack
    pub(super) pack: PathBuf,
    /// The directory to write: empty, or not there yet
    pub(super) dir: PathBuf,
    /// Write the bare component, too
    #[arg(long)]
    pub(super) component: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The pack
    pub(super) pack: PathBuf,
    /// The private key; its passphrase is asked for, or taken from VTHOST_KEY_PASSPHRASE [default: ~/.ssh/id_ed25519]
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Write the signature beside the pack, to PACK.sig, and leave the pack as it is
    #[arg(long)]
    pub(super) detached: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The pack
    pub(super) pack: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

/// Whose signatures are trusted.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// A public key to trust, as a `.pub` file; repeat it for more
    #[arg(long = "key", value_name = "FILE")]
    pub(super) keys: Vec<PathBuf>,
    /// A file of public keys to trust, one on a line; repeat it for more
    #[arg(long = "trusted", value_name = "FILE")]
    pub(super) trusted: Vec<PathBuf>,
}
