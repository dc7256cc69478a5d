//! A view of the parameters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use vthost_cartesian::{Origin, Variant};

use crate::legacy::Note;
use crate::registry;
use crate::table::{Entry, Table, rank};

/// Views of views are nested at most this deep: the ways to read a key as names of objects double with each level.
const MAX_DEPTH: usize = 8;

/// What stands behind a key, and behind the names of its objects, for a test that did not pass.
const ON_ERROR: &str = "on_error";

/// The parameters of a test, or what one of its objects sees of them (guide, "Addressing objects"): for the object
/// `vm1`, the key `mem_vm1` overrides `mem`. Of several keys for an object and those around it the most specific counts:
/// `image_name_image1_vm1`, `image_name_image1`, `image_name_vm1`, `image_name`, in this order.
///
/// Old spellings of keys are accepted: see [`Params::notes`].
///
/// Cheap to clone, and a view costs nothing but its name: all views share the parameters of the test. A look-up takes two
/// binary searches and a look at the keys that begin alike.
#[derive(Debug, Clone)]
pub struct Params {
    table: Arc<Table>,
    /// The names of the objects, the outermost first; before them `on_error`, if the test did not pass.
    objects: Vec<Arc<str>>,
    did_fail: bool,
}

impl Params {
    /// The parameters of a variant.
    pub fn new(variant: &Variant) -> Self {
        Self::from_entries(
            variant
                .entries()
                .map(|(key, value, origin)| (key, value, Some(origin))),
        )
    }

    /// Parameters from plain pairs, without origins.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_entries(pairs.into_iter().map(|(key, value)| (key, value, None)))
    }

    fn from_entries<'a>(entries: impl Iterator<Item = (&'a str, &'a str, Option<Origin>)>) -> Self {
        let entries = entries.map(|(key, value, origin)| Entry {
            key: key.into(),
            value: value.into(),
            origin,
            spelled: None,
        });
        Self {
            table: Arc::new(Table::new(entries.collect())),
            objects: Vec::new(),
            did_fail: false,
        }
    }

    /// The old spellings in the parameters of the test, but for those that vthost itself ships: what to tell once for
    /// each test.
    pub fn notes(&self) -> &[Note] {
        self.table.notes()
    }

    /// The name of the object whose view this is; empty for the test itself.
    pub fn object_name(&self) -> &str {
        self.named_objects().last().map_or("", |name| name)
    }

    /// The names of the objects, the outermost first.
    pub(crate) fn named_objects(&self) -> &[Arc<str>] {
        &self.objects[usize::from(self.did_fail)..]
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The same view of other parameters.
    pub(crate) fn over(&self, table: Arc<Table>) -> Self {
        Self {
            table,
            ..self.clone()
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.table.find(key, &self.objects)
    }

    /// The value of a key, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| &*entry.value)
    }

    /// Where the value of a key was set.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entry(key)?.origin.as_ref()
    }

    /// The grant that the value of a key needs, because any part of it came from a provider and it does something to the
    /// host. The policy looks at every variant before a job starts; who reads such a key for an object that only the test
    /// knows of asks again.
    pub fn needed_grant(&self, key: &str) -> Option<&'static str> {
        let entry = self.entry(key)?;
        let origin = entry.origin.as_ref()?;
        if !origin.is_from_provider() {
            return None;
        }
        registry::grant_of(registry::find_exact(key)?, &entry.value)
    }

    /// The key as it is set: with the names of objects, in its old spelling.
    pub(crate) fn spelling(&self, key: &str) -> Option<&str> {
        let entry = self.entry(key)?;
        Some(entry.spelled.as_deref().unwrap_or(&entry.key))
    }

    /// Every key with its value, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.with_prefix("")
    }

    /// Every key that starts with `prefix`, with its value, sorted by key. For an object, keys that only it has under
    /// their own name (`mem_vm1` without a `mem`) are among them.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> + 'a {
        let mut found: BTreeMap<&'a str, &'a str> = BTreeMap::new();
        for entry in self.table.starting_with(prefix) {
            let key = &*entry.key;
            found.insert(key, &entry.value);
            // The names that the key has for the object, and for those around it.
            let stems = key.match_indices('_').filter_map(|(at, _)| {
                let is_own = at >= prefix.len() && rank(&key[at..], &self.objects).is_some();
                is_own.then(|| &key[..at])
            });
            for stem in stems.filter(|_| !self.objects.is_empty()) {
                found.entry(stem).or_insert("");
            }
        }
        if !self.objects.is_empty() {
            for (key, value) in &mut found {
                *value = self.get(key).unwrap_or_default();
            }
        }
        found
            .into_iter()
            .map(|(key, value)| (Cow::Borrowed(key), value))
    }

    /// The names in the value of a key, split at blanks; none if it is not set.
    pub fn objects(&self, key: &str) -> Vec<&str> {
        self.get(key)
            .map(|value| value.split_whitespace().collect())
            .unwrap_or_default()
    }

    /// The parameters as the object `name` sees them. Past eight objects inside each other, the outermost is forgotten.
    #[must_use]
    pub fn object(&self, name: &str) -> Self {
        let mut objects = self.objects.clone();
        if objects.len() >= MAX_DEPTH {
            objects.remove(usize::from(self.did_fail));
        }
        objects.push(name.into());
        Self {
            objects,
            ..self.clone()
        }
    }

    /// The parameters after a test that did not pass (guide, "Parameters used by the postprocessor"): with `_on_error`
    /// behind it, and behind the names of its objects, a key has another value. It counts where the key without the
    /// ending would: `kill_vm_vm1 = no` is more specific than `kill_vm_on_error = yes`.
    #[must_use]
    pub fn on_error(&self) -> Self {
        if self.did_fail {
            return self.clone();
        }
        let objects = std::iter::once(ON_ERROR.into()).chain(self.objects.iter().cloned());
        Self {
            table: Arc::clone(&self.table),
            objects: objects.collect(),
            did_fail: true,
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
