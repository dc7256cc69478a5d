//! The keys of a test, sorted, and how the key of an object is found among them.

use std::cmp::Ordering;
use std::sync::Arc;

use vthost_cartesian::Origin;

use crate::legacy::{self, Note};

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) value: Arc<str>,
    /// None for a value that no configuration set.
    pub(crate) origin: Option<Origin>,
    /// The old spelling that gave the value.
    pub(crate) spelled: Option<Arc<str>>,
}

/// All keys of a test.
#[derive(Debug)]
pub(crate) struct Table {
    /// Sorted by key, each key once.
    entries: Box<[Entry]>,
    notes: Box<[Note]>,
}

impl Table {
    /// Of several values of a key, the last counts.
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        let notes = legacy::accept(&mut entries);
        Self {
            entries: entries.into(),
            notes: notes.into(),
        }
    }

    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The entries whose keys begin with the text, in order.
    pub(crate) fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let start = self.entries.partition_point(|entry| &*entry.key < prefix);
        self.entries[start..]
            .iter()
            .take_while(move |entry| entry.key.starts_with(prefix))
    }

    /// What `objects` see under `key`, the outermost first.
    ///
    /// A look-up is two binary searches and a look at the keys that begin with `key_`: what it costs depends on how many
    /// there are, and hardly on how deep the view is.
    pub(crate) fn find(&self, key: &str, objects: &[Arc<str>]) -> Option<&Entry> {
        let behind = self
            .entries
            .partition_point(|entry| compare(&entry.key, key, "_") == Ordering::Less);
        let own = self.entries[behind..].iter().map_while(|entry| {
            let suffix = entry.key.strip_prefix(key)?;
            suffix.starts_with('_').then_some((suffix, entry))
        });
        if !objects.is_empty() {
            let best = own
                .filter_map(|(suffix, entry)| Some((rank(suffix, objects)?, entry)))
                .max_by_key(|(rank, _)| *rank);
            if let Some((_, entry)) = best {
                return Some(entry);
            }
        }
        let plain = self
            .entries
            .binary_search_by(|entry| (*entry.key).cmp(key))
            .ok()?;
        Some(&self.entries[plain])
    }
}

/// As `text.cmp(&format!("{first}{second}"))`.
fn compare(text: &str, first: &str, second: &str) -> Ordering {
    let (text, first) = (text.as_bytes(), first.as_bytes());
    let at = text.len().min(first.len());
    text[..at]
        .cmp(&first[..at])
        .then_with(|| match text.len() < first.len() {
            true => Ordering::Less,
            false => text[at..].cmp(second.as_bytes()),
        })
}

/// How special the names behind a key are: a bit for each object that is named, that of the innermost object the highest.
/// None if they are not names of these objects, from the innermost to the outermost.
///
/// Of the ways to read the names, the most special one counts. The number of ways is bounded by the depth of views.
pub(crate) fn rank(suffix: &str, objects: &[Arc<str>]) -> Option<u32> {
    let Some((inner, around)) = objects.split_last() else {
        return suffix.is_empty().then_some(0);
    };
    if suffix.is_empty() {
        return Some(0);
    }
    let named = suffix
        .strip_prefix('_')
        .and_then(|suffix| suffix.strip_prefix(&**inner))
        .and_then(|rest| rank(rest, around));
    match named {
        Some(rest) => Some(1 << around.len() | rest),
        None => rank(suffix, around),
    }
}
