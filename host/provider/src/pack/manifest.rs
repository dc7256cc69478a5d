//! The manifest of a pack.

use serde::{Deserialize, Serialize};

/// The version of the manifest's form.
pub const MANIFEST_SCHEMA: u32 = 1;
/// The world that packs of this version implement.
pub const API: &str = "vthost:pack@0.1.0";

/// What a pack says about itself. Made when the pack is built, read without executing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: u32,
    /// The name of the pack: a label of the Cartesian language.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The world that it implements: [`API`].
    pub api: String,
    /// Its tests, sorted by name.
    pub tests: Vec<TestInfo>,
}

/// A test of a pack, as `vthost:pack`'s `tests` gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestInfo {
    /// Its name: what the parameter `type` chooses.
    pub name: String,
    /// What it tests, in one line.
    pub summary: String,
    /// Words to select it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Grants that it cannot do without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

impl Manifest {
    /// The test of that name.
    pub fn test(&self, name: &str) -> Option<&TestInfo> {
        self.tests.iter().find(|test| test.name == name)
    }
}

/// Whether `name` can be a label of the Cartesian language, and so the name of a pack.
pub(super) fn is_label(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
