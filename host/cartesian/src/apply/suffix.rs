//! The keys that `suffix` renamed, as they are shown in the end.
//!
//! A renamed key that has the value of the key without a suffix is not shown. One that has the same value under all its
//! suffixes is shown without a suffix.

use crate::apply::values::{Suffixed, Value, Values};
use crate::tree::Tree;

/// All renamed keys by the names they are shown with, in the order in which they win over each other.
pub(crate) fn shown(tree: &Tree, values: &Values) -> Vec<(String, Value)> {
    values
        .suffixed
        .iter()
        .filter_map(|suffixed| Some((name(tree, values, suffixed)?, suffixed.value)))
        .collect()
}

/// The name that a renamed key is shown with.
fn name(tree: &Tree, values: &Values, suffixed: &Suffixed) -> Option<String> {
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
        true => program.name(suffixed.key).to_owned(),
        false => suffixed.shown(tree),
    })
}

/// The value that is shown with this name.
pub(crate) fn find(tree: &Tree, values: &Values, name: &str) -> Option<Value> {
    let renamed = shown(tree, values);
    let found = renamed.into_iter().rev().find(|(shown, _)| shown == name);
    match found {
        Some((_, value)) => Some(value),
        None => values.get(tree.program().rank(tree.keys.find(name)?)),
    }
}
