//! The command line of `vthost provider`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    #[command(subcommand)]
    pub(crate) command: ProviderCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Write a definition, and fetch what it names
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// Show all providers
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one provider and what lies in it
    Show(ShowArgs),
    /// Fetch what the definitions name now
    Update(UpdateArgs),
    /// Remove a definition and what was fetched for it; a directory or a pack that it names stays
    Remove {
        /// The provider
        name: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Check what was fetched: the commit, that nobody changed it, the signature
    Verify {
        /// The providers [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

const ADD_EXAMPLES: &str = "\
Examples:
  vthost provider add https://github.com/autotest/tp-qemu.git   a repository; its name is io-github-autotest-qemu
  vthost provider add ~/code/tp-libvirt --name user-libvirt     a directory, used where it is
  vthost provider add tp-qemu.wasm                              one pack
  vthost provider add URI --ref v1.0 --pubkey maintainer.pub    a tag that this key has signed";

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A git repository (https, ssh, file), a directory or a pack file
    #[arg(value_name = "URI|FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) from: String,
    /// The name of the provider [default: it follows from the URI]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The branch to take [default: what the repository points to]
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// The tag or the commit to take; it wins over --branch
    #[arg(long = "ref", value_name = "TAG|COMMIT")]
    pub(crate) reference: Option<String>,
    /// The OpenPGP or ssh public key that has to have signed the tag or the commit
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pubkey: Option<PathBuf>,
    /// A backend and the directory of its tests; repeat it for more [default: directories named after a backend]
    #[arg(long = "backend", value_name = "NAME=SUBDIR", value_parser = backend)]
    pub(crate) backends: Vec<(String, String)>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The provider
    pub(crate) name: String,
    /// Show the types of tests that a pack has, and those that none has
    #[arg(long)]
    pub(crate) porting: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The providers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only show what would change; the exit code is 1 if anything would
    #[arg(long)]
    pub(crate) check: bool,
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

fn backend(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, subdir)) if !name.is_empty() => Ok((name.to_owned(), subdir.to_owned())),
        _ => Err("write it as `qemu=SUBDIR`; `qemu=` is the root".to_owned()),
    }
}
