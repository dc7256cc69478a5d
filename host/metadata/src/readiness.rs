//! What `vthost bootstrap` and `vthost doctor` find.

use serde::{Deserialize, Serialize};

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadinessState {
    /// It is there and good.
    Ok,
    /// Nothing was done about it: it does not apply here, or the operator did not want it.
    Skipped,
    /// It is there now.
    Changed,
    /// It is not there, or it does not work.
    Missing,
}

/// The packages that a program comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packages {
    /// For `apt-get install`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub apt: Option<String>,
    /// For `dnf install`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dnf: Option<String>,
}

/// One thing that a machine needs, or that tests may need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessItem {
    /// What it is: a program, a path, a module, a command.
    pub name: String,
    /// How it stands.
    pub state: ReadinessState,
    /// Without it the machine is not ready.
    pub mandatory: bool,
    /// What was found, or why it is wanted.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<String>,
    /// Where it comes from, if it is missing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub packages: Option<Packages>,
}

impl ReadinessItem {
    /// Something that is there.
    pub fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: ReadinessState::Ok,
            mandatory: false,
            detail: detail.into(),
            advice: None,
            packages: None,
        }
    }

    /// Something that is there now.
    pub fn changed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            state: ReadinessState::Changed,
            ..Self::ok(name, detail)
        }
    }

    /// Something about which nothing was done.
    pub fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            state: ReadinessState::Skipped,
            ..Self::ok(name, detail)
        }
    }

    /// Something that tests may need and that is not there.
    pub fn missing(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            state: ReadinessState::Missing,
            ..Self::ok(name, detail)
        }
    }

    /// The same, and without it the machine is not ready.
    #[must_use]
    pub fn mandatory(self) -> Self {
        Self {
            mandatory: true,
            ..self
        }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn advice(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }
}

/// One of the steps of bootstrap: what `vthost bootstrap --json` prints, one object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessStep {
    /// Its number, from 1 to 8.
    pub number: u8,
    /// Its name, for programs.
    pub name: String,
    /// What it does, for people.
    pub title: String,
    /// How it ended: the worst of its items.
    pub state: ReadinessState,
    /// What it looked at, in order.
    pub items: Vec<ReadinessItem>,
}

impl ReadinessStep {
    /// Whether nothing that is mandatory is missing.
    pub fn is_ready(&self) -> bool {
        !self
            .items
            .iter()
            .any(|item| item.mandatory && item.state == ReadinessState::Missing)
    }
}
