//! The settings of `vthost.toml`: what the operator wants on every run, without a flag.
//!
//! They come in layers, and a higher layer wins key by key: built-in, the file of the system, of the user, of the
//! project, the file of `--config`, the environment, flags. Each value knows where it was set.
//!
//! # What a project file may do
//!
//! The file of the project is found by walking up from the current directory, so it can be somebody else's: who clones
//! a repository, unpacks an archive or works below `/tmp` and types `vthost run` there has not read it. Such a file
//! must not turn a test of a stranger into a program of the operator. It could name a program to run as QEMU, give all
//! grants, trust a key of its own, put results over files of the operator, or set a parameter that counts as the
//! operator's and opens what the policy denies to providers. That the file belongs to the operator says nothing:
//! git gives whatever it clones to who clones it. Therefore
//!
//! - keys that reach the host ([`Key::guarded`]) are refused in a project file, whoever owns it;
//! - a project file that belongs to somebody else than the operator or root is not read at all, and that is told;
//! - no text has control characters: a filter with a line break would be two lines of configuration.
//!
//! Who has read the file names it: with `--config vthost.toml` it may set everything.

#[cfg(test)]
mod docs;
mod environment;
mod error;
mod file;
mod keys;
mod layers;
mod reference;
#[cfg(test)]
mod tests;
mod typed;
mod value;

pub(crate) use keys::{KEYS, Key, PARAMS, sections};
pub(crate) use layers::{Places, Set, Settings, State};
