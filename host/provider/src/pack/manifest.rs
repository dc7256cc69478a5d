//! The manifest of a pack.

use serde::{Deserialize, Serialize};

/// The version of the manifest's form.
pub const MANIFEST_SCHEMA: u32 = 2;
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
    /// The SHA-256 of its code, in hexadecimal: of everything but vthost's own sections.
    pub code: String,
    /// Its tests, sorted by name.
    pub tests: Vec<TestInfo>,
    /// The grants that it asks for, sorted by name.
    pub capabilities: Vec<Capability>,
    /// What its tests get by with.
    pub limits: PackLimits,
    /// Its configuration files, in the order of the file.
    pub cfg: Vec<CfgEntry>,
    /// Its auxiliary files, sorted by path.
    pub deps: Vec<DepEntry>,
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

/// A grant that a pack asks for. Asking gives nothing: the operator grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// The name of the grant: `raw-qmp`.
    pub grant: String,
    /// What the pack wants it for, in its author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the tests of a pack get by with. A test gets that much, and never more than the host gives to any test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackLimits {
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Seconds by the wall clock; a `test_timeout` of the variant comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// Bytes of log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<u64>,
}

/// A configuration file in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CfgEntry {
    /// The backend that it is for.
    pub backend: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// An auxiliary file in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepEntry {
    /// Its path below `/deps`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The test of that name.
    pub fn test(&self, name: &str) -> Option<&TestInfo> {
        self.tests.iter().find(|test| test.name == name)
    }
}
