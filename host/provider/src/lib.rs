//! Where tests come from and what a machine needs to run them: pack files, the set of configuration that is
//! made of vthost's own and the packs', the directories on disk, and bootstrap. Nothing here executes a pack.

pub mod bootstrap;
mod cfg_set;
mod dirs;
pub mod pack;
mod provider;

pub use cfg_set::{
    CfgError, CfgFiles, CfgSet, Choices, Guest, SelectError, Selection, SetError, guests,
};
pub use dirs::{Dirs, NoHome};
pub use pack::{Manifest, Pack, PackError, TestInfo};
pub use provider::{BACKENDS, Backend, Provider, Source};
