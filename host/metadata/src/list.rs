//! What `vthost list --json` prints: one object a line.

use serde::{Deserialize, Serialize};

/// One variant that would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// The test's name as results show it: its provider and its own labels.
    pub name: String,
    /// The short name of the variant, with guest and hardware.
    pub shortname: String,
    /// The full name of the variant, with every label.
    pub variant: String,
    /// The test in the pack that it runs: the value of `type`.
    #[serde(rename = "type")]
    pub test_type: String,
    /// The provider that it comes from.
    pub provider: String,
    /// The pack that holds the test; none if the provider has no pack with it.
    pub pack: Option<String>,
    /// What the pack says of the test, one line; empty where no pack has it.
    pub summary: String,
    /// Tags that the pack gives the test.
    pub tags: Vec<String>,
    /// Grants that the test cannot do without.
    pub needs: Vec<String>,
    /// The machines that the variant asks for: the value of `vms`, split.
    pub vms: Vec<String>,
    /// Where its type was set, as `file:line`.
    pub source: Option<String>,
    /// What would become of it.
    pub kind: TestKind,
    /// Why it will not run: a mistake in its configuration, `skip = yes`, or nobody has ported it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// What is not granted: with any, the test is skipped.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub denied: Vec<DeniedEffect>,
}

/// What would become of a variant in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestKind {
    /// It would run.
    Ready,
    /// It would be skipped: something that it needs is not granted.
    Denied,
    /// It would be skipped: its provider has no wasm test of its type.
    NoTest,
    /// It would be skipped: its configuration says so (`skip = yes`).
    Skipped,
    /// It would be an ERROR: its configuration is wrong.
    Faulty,
}

/// Something that a variant or its pack asks for and that is not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedEffect {
    /// The rule that decided: `ungranted-key`.
    pub rule: String,
    /// What was tried, in words.
    pub tried: String,
    /// Who tried: a pack, or `file:line` of a configuration.
    pub by: String,
    /// The grant that would allow it; none if nothing would.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grant: Option<String>,
}
