//! Where tests come from and what a machine needs to run them: pack files, the set of configuration that is
//! made of vthost's own and the packs', the directories on disk, and bootstrap. Nothing here executes a pack.

pub mod asset;
pub mod bootstrap;
mod cfg_set;
pub mod definition;
mod dirs;
mod layout;
mod lock;
pub mod pack;
mod provider;
mod registry;
mod source;

pub use cfg_set::{
    CfgError, CfgFiles, CfgSet, Choices, DumpError, Guest, Preset, SelectError, Selection,
    SetError, arch_label, guests,
};
pub use dirs::{Dirs, NoHome};
pub use layout::{Layout, LayoutError};
pub use pack::{Manifest, Pack, PackError, TestInfo};
pub use provider::{BACKENDS, Backend, Provider, Source};
pub use registry::{
    BackendStatus, Check, Kind, NewProvider, Porting, PortingRow, ProviderError, Providers, State,
    Status, Update, Verification, Verified,
};
pub use source::SourceError;
