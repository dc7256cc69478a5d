//! What the expansion gives: one variant, its keys and where each one came from.

use std::sync::Arc;

use crate::apply::store::{Made, Value};
use crate::apply::values::Item;
use crate::expand::append;
use crate::origin::Origin;
use crate::tree::{ChoiceId, EntryId, Tree};

/// One combination of variants. Cheap to clone.
///
/// The keys that the configuration set are in [`get`](Variant::get), [`iter`](Variant::iter) and
/// [`entries`](Variant::entries). What the expansion itself knows (`name`, `shortname`, `dep` and the names by file)
/// has its own accessors and is not among them, except that `get` answers for `name` and `shortname`.
///
/// A variant keeps the configuration it was made of alive, because that is where its texts are.
#[derive(Clone)]
pub struct Variant {
    tree: Arc<Tree>,
    body: Arc<Body>,
}

#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) name: Box<str>,
    pub(crate) short_name: Box<str>,
    /// The choices taken, the outermost first; of a join, those of its last filter.
    pub(crate) path: Box<[ChoiceId]>,
    /// Of a join, the choices of the filters before the last.
    pub(crate) earlier: Vec<Box<[ChoiceId]>>,
    /// Sorted by key.
    pub(crate) items: Box<[Item]>,
    /// The names of the keys that no statement names: those that a suffix made.
    pub(crate) unknown: Vec<Box<str>>,
    pub(crate) made: Box<[Made]>,
    /// The texts of the made values.
    pub(crate) text: Box<str>,
    /// The statements joined to the made values.
    pub(crate) joined: Box<[EntryId]>,
}

impl Variant {
    pub(crate) fn new(tree: Arc<Tree>, body: Body) -> Self {
        Self {
            tree,
            body: Arc::new(body),
        }
    }

    /// The full name: all labels, the last block of the text first, `(block=label)` for a named block.
    pub fn name(&self) -> &str {
        &self.body.name
    }

    /// The name without the names of blocks, `@` variants and defaults. Two variants may have the same one.
    pub fn short_name(&self) -> &str {
        &self.body.short_name
    }

    /// The names this variant depends on, as filters; no part of the order of the variants (guide: *Dependencies*).
    pub fn dep(&self) -> Vec<String> {
        self.tree.dependencies_of(self.body.path.iter().copied())
    }

    /// The value of a key; of `name` and `shortname` too.
    pub fn get(&self, key: &str) -> Option<&str> {
        match key {
            "name" => Some(self.name()),
            "shortname" => Some(self.short_name()),
            key => self.item(key).map(|item| self.text(item.value)),
        }
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.item(key).map(|item| self.origin_of(item.value))
    }

    /// The keys that the configuration set and their values, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let (body, (names, values)) = (&*self.body, self.tree.program().texts());
        body.items.iter().map(move |item| {
            let text = match item.value.kind() {
                Ok(entry) => values[entry as usize],
                Err(made) => body.made[made].text.of(&body.text),
            };
            (item.key(names, &body.unknown), text)
        })
    }

    /// As [`Variant::iter`], with the origin of each value.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str, Origin)> {
        self.body.items.iter().map(|item| {
            let origin = self.origin_of(item.value);
            (self.key(item), self.text(item.value), origin)
        })
    }

    /// Those of [`Variant::entries`] whose keys begin with `prefix`, in order: found without a look at the others.
    pub fn entries_from<'v>(
        &'v self,
        prefix: &'v str,
    ) -> impl Iterator<Item = (&'v str, &'v str, Origin)> + 'v {
        let items = &self.body.items;
        let start = items.partition_point(|item| self.key(item) < prefix);
        items[start..]
            .iter()
            .map(|item| (self.key(item), item))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, item)| (key, self.text(item.value), self.origin_of(item.value)))
    }

    /// For each file that named a part of the variant (the last component of its name): that part of the name. The file
    /// of the last part of the name comes first, as in the reference.
    ///
    /// The reference calls this key `_name_map_file`; names of tests are made from it.
    pub fn name_map(&self) -> Vec<(&str, String)> {
        self.map(true)
    }

    /// As [`Variant::name_map`], without the names of blocks (`_short_name_map_file`).
    pub fn short_name_map(&self) -> Vec<(&str, String)> {
        self.map(false)
    }

    fn map(&self, exact_names: bool) -> Vec<(&str, String)> {
        let (tree, path) = (&self.tree, &self.body.path);
        let mut map: Vec<(&str, String)> = Vec::new();
        // For each choice, the last one first, the item of the map that it is a part of.
        let mut places: Vec<usize> = Vec::with_capacity(path.len());
        let mut last = None;
        for choice in path.iter().rev() {
            let file = tree.entry(tree.choice(*choice).entry).file;
            // What follows each other mostly stands in one file.
            if last != Some(file) {
                last = Some(file);
                let name = tree.files()[file as usize].base_name();
                let known = map.iter().position(|(known, _)| *known == name);
                places.push(known.unwrap_or(map.len()));
                if known.is_none() {
                    map.push((name, String::with_capacity(self.body.name.len())));
                }
            } else if let Some(place) = places.last() {
                places.push(*place);
            }
        }
        for (choice, place) in path.iter().zip(places.into_iter().rev()) {
            for (plain, exact) in tree.labels_of(tree.choice(*choice)) {
                let label = if exact_names { exact } else { plain };
                append(&mut map[place].1, tree.labels.text(*label));
            }
        }
        map
    }

    pub(crate) fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn key(&self, item: &Item) -> &str {
        item.key(self.tree.program().texts().0, &self.body.unknown)
    }

    pub(crate) fn text(&self, value: Value) -> &str {
        match value.kind() {
            Ok(entry) => self.tree.program().text(entry),
            Err(made) => self.body.made[made].text.of(&self.body.text),
        }
    }

    fn origin_of(&self, value: Value) -> Origin {
        match value.kind() {
            Ok(entry) => self.tree.origin(entry, &[]),
            Err(made) => {
                let made = &self.body.made[made];
                let joined = made.joined.items(&self.body.joined);
                self.tree.origin(made.entry, joined)
            }
        }
    }

    fn item(&self, key: &str) -> Option<&Item> {
        let at = self
            .body
            .items
            .binary_search_by(|item| self.key(item).cmp(key))
            .ok()?;
        Some(&self.body.items[at])
    }
}

impl std::fmt::Debug for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Variant").field(&self.name()).finish()
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
