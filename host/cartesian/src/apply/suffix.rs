//! The keys that `suffix` renamed, as they are shown in the end.
//!
//! A renamed key that has the value of the key without a suffix is not shown. One that has the same value under all its
//! suffixes is shown without a suffix.

use crate::apply::store::Value;
use crate::apply::values::{Suffixed, Values};
use crate::tree::{EntryId, Tree};

/// A renamed key as it is shown.
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// The statements that gave it this name; none, if it is its name without suffixes.
    pub(crate) by: Vec<EntryId>,
}

/// All renamed keys by the names they are shown with, in the order in which they win over each other.
pub(crate) fn shown(tree: &Tree, values: &Values) -> Vec<Shown> {
    values
        .suffixed
        .iter()
        .filter_map(|suffixed| one(tree, values, suffixed))
        .collect()
}

fn one(tree: &Tree, values: &Values, suffixed: &Suffixed) -> Option<Shown> {
    let (name, is_suffixed) = name(tree, values, suffixed)?;
    let by = match is_suffixed {
        true => suffixed.by.clone(),
        false => Vec::new(),
    };
    Some(Shown {
        name,
        value: suffixed.value,
        by,
    })
}

/// The name that a renamed key is shown with, and whether suffixes are a part of it.
fn name(tree: &Tree, values: &Values, suffixed: &Suffixed) -> Option<(String, bool)> {
    let program = tree.program();
    let text = |value: Value| values.text(program, value);
    let own = text(suffixed.value);
    let plain = values.get(suffixed.key).map(text);
    if plain == Some(own) {
        return None;
    }
    let same = plain.is_none()
        && values
            .suffixed
            .iter()
            .filter(|other| other.key == suffixed.key)
            .all(|other| text(other.value) == own);
    Some(match same {
        true => (program.name(suffixed.key).to_owned(), false),
        false => (suffixed.shown(tree), true),
    })
}

/// All values that are shown with this name; the last of them wins.
pub(crate) fn find(tree: &Tree, values: &Values, name: &str) -> Vec<Shown> {
    let program = tree.program();
    values
        .suffixed
        .iter()
        .filter(|suffixed| name.starts_with(program.name(suffixed.key)))
        .filter_map(|suffixed| one(tree, values, suffixed))
        .filter(|shown| shown.name == name)
        .collect()
}
