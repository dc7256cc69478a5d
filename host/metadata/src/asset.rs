//! What `vthost asset list` prints.

use serde::{Deserialize, Serialize};

/// A file that can be downloaded, and the file that `vthost asset fetch --json` made sure of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The file on this machine, absolute.
    pub file: String,
    /// Whether it is there.
    pub present: bool,
    /// Where it comes from, in the order in which the places are tried.
    pub urls: Vec<String>,
    /// Where it is defined, as `FILE:LINE`.
    pub defined: String,
}
