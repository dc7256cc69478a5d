//! What `vthost list --json` prints: one object a line.

use serde::{Deserialize, Serialize};

/// One variant that would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// The test's name as results show it: the short name of the variant.
    pub name: String,
    /// The full name of the variant, with every label.
    pub variant: String,
    /// The test in the pack that it runs: the value of `type`.
    #[serde(rename = "type")]
    pub test_type: String,
    /// The pack that holds the test.
    pub pack: String,
    /// What the pack says of the test, one line; empty where no pack has it.
    pub summary: String,
    /// Tags that the pack gives the test.
    pub tags: Vec<String>,
    /// The machines that the variant asks for: the value of `vms`, split.
    pub vms: Vec<String>,
    /// Why it would not run; none when it would.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Effects on the host that are not granted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub denied: Vec<DeniedEffect>,
}

/// An effect on the host that a variant asks for and that is not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedEffect {
    /// The configuration key.
    pub key: String,
    /// Where it was set: `file:line`.
    pub origin: String,
    /// The grant that it needs.
    pub grant: String,
}
