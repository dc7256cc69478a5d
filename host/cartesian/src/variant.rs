//! What the expansion gives: one variant, its keys and where each one came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::origin::Origin;
use crate::tree::Entry;

/// One combination of variants. Cheap to clone.
///
/// The keys that the configuration set are in [`get`](Variant::get), [`iter`](Variant::iter) and
/// [`entries`](Variant::entries). What the expansion itself knows (`name`, `shortname`, `dep` and the names by file)
/// has its own accessors and is not among them, except that `get` answers for `name` and `shortname`.
#[derive(Debug, Clone)]
pub struct Variant(Arc<Body>);

#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) short_name: String,
    pub(crate) dep: Vec<String>,
    pub(crate) name_map: BTreeMap<String, String>,
    pub(crate) short_name_map: BTreeMap<String, String>,
    /// Sorted by key.
    pub(crate) entries: Vec<(Arc<str>, Arc<Entry>)>,
}

impl Variant {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(body))
    }

    /// The full name: all labels, the last block of the text first, `(block=label)` for a named block.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name without the names of blocks, `@` variants and defaults. Two variants may have the same one.
    pub fn short_name(&self) -> &str {
        &self.0.short_name
    }

    /// The names this variant depends on, as filters; no part of the order of the variants (guide: *Dependencies*).
    pub fn dep(&self) -> &[String] {
        &self.0.dep
    }

    /// The value of a key; of `name` and `shortname` too.
    pub fn get(&self, key: &str) -> Option<&str> {
        match key {
            "name" => Some(self.name()),
            "shortname" => Some(self.short_name()),
            key => self.entry(key).map(|entry| entry.text.as_str()),
        }
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entry(key).map(|entry| &entry.origin)
    }

    /// The keys that the configuration set and their values, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0
            .entries
            .iter()
            .map(|(key, entry)| (&**key, entry.text.as_str()))
    }

    /// As [`Variant::iter`], with the origin of each value.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str, &Origin)> {
        self.0
            .entries
            .iter()
            .map(|(key, entry)| (&**key, entry.text.as_str(), &entry.origin))
    }

    /// For each file that named a part of the variant (the last component of its name): that part of the name.
    ///
    /// The reference calls this key `_name_map_file`; names of tests are made from it.
    pub fn name_map(&self) -> &BTreeMap<String, String> {
        &self.0.name_map
    }

    /// As [`Variant::name_map`], without the names of blocks (`_short_name_map_file`).
    pub fn short_name_map(&self) -> &BTreeMap<String, String> {
        &self.0.short_name_map
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        let at = self
            .0
            .entries
            .binary_search_by(|(have, _)| (**have).cmp(key))
            .ok()?;
        Some(&self.0.entries[at].1)
    }
}

/// Equal names, dependencies, keys and values; origins are not compared.
impl PartialEq for Variant {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.short_name() == other.short_name()
            && self.dep() == other.dep()
            && self.iter().eq(other.iter())
    }
}

impl Eq for Variant {}
