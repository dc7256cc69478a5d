//! Clones of git repositories: made by the system's `git`, pinned by a lock file, checked against a key.
//!
//! A clone is a directory `<name>/<commit>` that appears whole or not at all. Only an update makes one; whatever reads
//! providers needs neither git nor a network.

mod error;
mod fetch;
mod git;
mod lock;
mod signature;

pub use error::SourceError;
pub(crate) use fetch::{Wanted, changes, fetch, resolve, retain};
pub(crate) use git::Git;
pub(crate) use lock::{Locked, Locks};
pub(crate) use signature::{PublicKey, Signed};
