//! The keys that `suffix` renamed, as they are shown in the end.
//!
//! A key that has the same value under all its suffixes, and no other value without one, is shown without a suffix.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::apply::{Suffixed, Values};
use crate::tree::{Entry, KeyId, Tree};

/// The renamed keys by the key they were.
fn groups<'a, 't>(values: &'a Values<'t>) -> BTreeMap<KeyId, Vec<&'a Suffixed<'t>>> {
    let mut groups: BTreeMap<KeyId, Vec<&Suffixed<'t>>> = BTreeMap::new();
    for suffixed in &values.suffixed {
        groups.entry(suffixed.key).or_default().push(suffixed);
    }
    groups
}

/// The value that the whole group and the plain key agree on.
fn agreed(values: &Values<'_>, group: &[&Suffixed<'_>]) -> Option<Arc<Entry>> {
    let (first, rest) = group.split_first()?;
    let entry = first.slot.entry();
    let plain = values.get(first.key);
    let same = rest
        .iter()
        .map(|suffixed| suffixed.slot.entry())
        .chain(plain)
        .all(|other| other.text == entry.text);
    if !same {
        return None;
    }
    let origin = entry
        .origin
        .join(rest.iter().map(|suffixed| &suffixed.slot.entry().origin));
    Some(Arc::new(Entry {
        text: entry.text.clone(),
        origin,
    }))
}

/// All renamed keys by the names they are shown with.
pub(crate) fn shown(tree: &Tree, values: &Values<'_>) -> Vec<(Arc<str>, Arc<Entry>)> {
    let mut out = Vec::new();
    for group in groups(values).values() {
        match (agreed(values, group), group.first()) {
            (Some(entry), Some(first)) => out.push((Arc::clone(tree.keys.text(first.key)), entry)),
            _ => {
                let kept = group.iter().map(|suffixed| {
                    (
                        suffixed.shown(tree).into(),
                        Arc::clone(suffixed.slot.entry()),
                    )
                });
                out.extend(kept);
            }
        }
    }
    out
}

/// The renamed key that is shown with the name of `key`.
pub(crate) fn find(tree: &Tree, values: &Values<'_>, key: KeyId) -> Option<Arc<Entry>> {
    if values.suffixed.is_empty() {
        return None;
    }
    let name: &str = tree.keys.text(key);
    shown(tree, values)
        .into_iter()
        .find(|(shown, _)| **shown == *name)
        .map(|(_, entry)| entry)
}
