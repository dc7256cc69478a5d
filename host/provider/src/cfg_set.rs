//! The set of configuration that a job expands: vthost's own `cfg/`, and what the packs bring.
//!
//! Nothing is generated on disk: `subtests.cfg` is made in memory for each job, so there are no stale copies
//! and no second bootstrap after a provider changed.

mod loader;
mod select;

pub use select::{SelectError, Selection};

use vthost_cartesian::{Config, Error, OriginKind, Source};

use crate::Pack;
use loader::SetLoader;

/// What a job parses: the root of the shipped configuration.
const ROOT: &str = "include tests.cfg";

/// The parsed configuration of a job, before its filters.
#[derive(Clone)]
pub struct CfgSet {
    config: Config,
}

impl CfgSet {
    /// Parses the shipped configuration together with what the packs bring.
    ///
    /// # Errors
    /// The first error in a pack's configuration, with file, line and column.
    pub fn new(packs: &[Pack]) -> Result<Self, Error> {
        let loader = SetLoader::new(packs);
        let root = Source::new("vthost", ROOT);
        let config = Config::parse(root, OriginKind::Default, &loader)?;
        Ok(Self { config })
    }
}
