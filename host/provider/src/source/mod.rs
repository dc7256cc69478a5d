//! Clones of git repositories: made by the system's `git`, pinned by a lock file, checked against a key.
//!
//! A clone is a directory `<name>/<commit>` that appears whole or not at all. Only an update makes one; whatever reads
//! providers needs neither git nor a network.

mod error;
mod fetch;
mod git;
mod key;
mod lock;
mod signature;
mod target;

pub use error::SourceError;
pub(crate) use fetch::{changes, fetch, retain};
pub(crate) use git::Git;
pub(crate) use key::PublicKey;
pub(crate) use lock::{Locked, Locks};
pub(crate) use signature::Signed;
pub(crate) use target::{Target, Wanted, resolve};
