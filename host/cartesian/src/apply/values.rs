//! The values of one combination while its statements are being done.

use crate::apply::program::{Program, Rank};
use crate::text::span::Extent;
use crate::tree::{EntryId, Tree};

/// A value: the text of a statement of the tree, or one made for this combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value(u32);

impl Value {
    const MADE: u32 = 1 << 31;

    pub(crate) fn entry(entry: EntryId) -> Self {
        Self(entry)
    }

    fn made(index: usize) -> Self {
        Self(index as u32 | Self::MADE)
    }

    /// The statement, or the index of what was made.
    pub(crate) fn kind(self) -> Result<EntryId, usize> {
        match self.0 & Self::MADE {
            0 => Ok(self.0),
            _ => Err((self.0 & !Self::MADE) as usize),
        }
    }
}

/// A value that stands in no source: put together by `${}`, `+=` and the like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    /// In [`Store::text`].
    pub(crate) text: Extent,
    /// The statement that made it.
    pub(crate) entry: EntryId,
    /// The other statements whose text is in it, in [`Store::joined`].
    pub(crate) joined: Extent,
}

/// The values made for one combination.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) made: Vec<Made>,
    pub(crate) text: String,
    pub(crate) joined: Vec<EntryId>,
}

/// So many joined origins are kept exactly; past that, one of each kind, so that a value appended to ten thousand times
/// does not carry ten thousand origins, and still no kind is ever lost.
const MAX_JOINED: usize = 32;

impl Store {
    pub(crate) fn text<'a>(&'a self, program: &'a Program, value: Value) -> &'a str {
        match value.kind() {
            Ok(entry) => program.text(entry),
            Err(made) => self.made[made].text.of(&self.text),
        }
    }

    /// The statement that wrote the value last.
    pub(crate) fn entry(&self, value: Value) -> EntryId {
        value.kind().unwrap_or_else(|made| self.made[made].entry)
    }

    pub(crate) fn push_value(&mut self, program: &Program, value: Value) {
        match value.kind() {
            Ok(entry) => self.text.push_str(program.text(entry)),
            Err(made) => self.text.extend_from_within(self.made[made].text.range()),
        }
    }

    /// Adds a made value: the text and the joined statements from these lengths on.
    pub(crate) fn finish(&mut self, entry: EntryId, text: usize, joined: usize) -> Value {
        self.made.push(Made {
            text: Extent::new(text, self.text.len()),
            entry,
            joined: Extent::since(&self.joined, joined),
        });
        Value::made(self.made.len() - 1)
    }

    /// Adds the statements of `value` to those joined since `from` by a value of `entry`.
    pub(crate) fn join_value(&mut self, tree: &Tree, entry: EntryId, from: usize, value: Value) {
        let first = self.joined.len() == from;
        self.join(tree, entry, from, self.entry(value));
        if let Err(made) = value.kind() {
            let joined = self.made[made].joined;
            // What was joined before repeats nothing, and no statement is done twice.
            if first && joined.len() < MAX_JOINED {
                return self.joined.extend_from_within(joined.range());
            }
            for at in joined.range() {
                self.join(tree, entry, from, self.joined[at]);
            }
        }
    }

    /// Adds a statement to those joined since `from` by a value of `entry`, if it is not among them.
    pub(crate) fn join(&mut self, tree: &Tree, entry: EntryId, from: usize, other: EntryId) {
        let joined = &self.joined[from..];
        if other == entry || joined.contains(&other) {
            return;
        }
        let kind = |entry: EntryId| &tree.files[tree.entry(entry).file as usize].kind;
        let full =
            joined.len() >= MAX_JOINED && joined.iter().any(|have| kind(*have) == kind(other));
        if !full {
            self.joined.push(other);
        }
    }

    /// The value, with more that it depends on.
    pub(crate) fn depending(
        &mut self,
        tree: &Tree,
        value: Value,
        others: impl IntoIterator<Item = Value>,
        by: &[EntryId],
    ) -> Value {
        let entry = self.entry(value);
        let (text, joined) = (self.text.len(), self.joined.len());
        self.push_value(tree.program(), value);
        self.join_value(tree, entry, joined, value);
        for other in others {
            self.join_value(tree, entry, joined, other);
        }
        for by in by {
            self.join(tree, entry, joined, *by);
        }
        self.finish(entry, text, joined)
    }

    /// Bytes of all that was made.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
            + self.made.len() * size_of::<Made>()
            + self.joined.len() * size_of::<EntryId>()
    }

    fn clear(&mut self) {
        self.made.clear();
        self.text.clear();
        self.joined.clear();
    }

    /// Adds all that is in `other`; gives the index of the first value.
    fn append(&mut self, other: &Self) -> usize {
        let (text, joined) = (self.text.len(), self.joined.len());
        let moved = |extent: Extent, by: usize| {
            Extent::new(extent.start as usize + by, extent.end as usize + by)
        };
        let first = self.made.len();
        self.made.extend(other.made.iter().map(|made| Made {
            text: moved(made.text, text),
            entry: made.entry,
            joined: moved(made.joined, joined),
        }));
        self.text.push_str(&other.text);
        self.joined.extend_from_slice(&other.joined);
        first
    }
}

/// A key that a `suffix` renamed.
#[derive(Debug, Clone)]
pub(crate) struct Suffixed {
    pub(crate) key: Rank,
    /// In the order in which they were applied.
    pub(crate) suffixes: Vec<u32>,
    /// The statements that applied them.
    pub(crate) by: Vec<EntryId>,
    pub(crate) value: Value,
}

impl Suffixed {
    /// The name as patterns see it: the suffixes in the order in which they were applied.
    pub(crate) fn applied(&self, tree: &Tree) -> String {
        let mut name = tree.program().name(self.key).to_owned();
        name.extend(self.suffixes.iter().map(|at| tree.suffixes.text(*at)));
        name
    }

    /// The name as it is shown: the last suffix applied comes first.
    pub(crate) fn shown(&self, tree: &Tree) -> String {
        let mut name = tree.program().name(self.key).to_owned();
        name.extend(self.suffixes.iter().rev().map(|at| tree.suffixes.text(*at)));
        name
    }
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    key: u32,
    pub(crate) value: Value,
}

impl Item {
    /// Marks a key that is an index into [`Body::unknown`](crate::variant::Body).
    const UNKNOWN: u32 = 1 << 31;

    pub(crate) fn new(key: Rank, value: Value) -> Self {
        Self { key, value }
    }

    pub(crate) fn unknown(index: usize, value: Value) -> Self {
        Self {
            key: index as u32 | Self::UNKNOWN,
            value,
        }
    }

    /// The key, if it is one of the tree.
    pub(crate) fn known(self) -> Option<Rank> {
        (self.key & Self::UNKNOWN == 0).then_some(self.key)
    }

    pub(crate) fn key<'a>(&self, program: &'a Program, unknown: &'a [Box<str>]) -> &'a str {
        match self.known() {
            Some(key) => program.name(key),
            None => &unknown[(self.key & !Self::UNKNOWN) as usize],
        }
    }
}

/// The values of one combination.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    /// By key; means something only where `present` says so.
    slots: Vec<Value>,
    /// A bit for each key that has a value.
    present: Vec<u64>,
    /// The keys that bound others, in the order in which they got values.
    bounding: Vec<Rank>,
    /// All keys in the order in which they got values: suffixes need it, and nothing else.
    order: Option<Vec<Rank>>,
    /// Older than all other keys.
    pub(crate) suffixed: Vec<Suffixed>,
    /// How often a suffix was added to a key.
    pub(crate) renamings: usize,
    pub(crate) store: Store,
}

/// Values that outlive the work on their combination.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    plain: Vec<Item>,
    suffixed: Vec<Suffixed>,
    store: Store,
}

impl Kept {
    /// Bytes of what was made.
    pub(crate) fn size(&self) -> usize {
        self.store.size()
    }
}

impl Values {
    pub(crate) fn new(tree: &Tree) -> Self {
        let keys = tree.keys.len();
        Self {
            slots: vec![Value(0); keys],
            present: vec![0; keys.div_ceil(64)],
            bounding: Vec::new(),
            order: (tree.suffixes.len() > 0).then(Vec::new),
            suffixed: Vec::new(),
            renamings: 0,
            store: Store::default(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.forget_plain();
        self.suffixed.clear();
        self.renamings = 0;
        self.store.clear();
    }

    fn forget_plain(&mut self) {
        self.present.fill(0);
        self.bounding.clear();
        if let Some(order) = &mut self.order {
            order.clear();
        }
    }

    fn has(&self, key: Rank) -> bool {
        self.present[key as usize / 64] >> (key % 64) & 1 != 0
    }

    pub(crate) fn get(&self, key: Rank) -> Option<Value> {
        self.has(key).then(|| self.slots[key as usize])
    }

    /// Sets a key that bounds no other.
    pub(crate) fn set_plain(&mut self, key: Rank, value: Value) {
        if let Some(order) = &mut self.order
            && self.present[key as usize / 64] >> (key % 64) & 1 == 0
        {
            order.push(key);
        }
        self.slots[key as usize] = value;
        self.present[key as usize / 64] |= 1 << (key % 64);
    }

    /// Sets keys that bound no others, each to what its statement writes.
    pub(crate) fn set_row(&mut self, row: &[(Rank, EntryId)]) {
        if self.order.is_some() {
            for (key, entry) in row {
                self.set_plain(*key, Value::entry(*entry));
            }
            return;
        }
        for (key, entry) in row {
            self.slots[*key as usize] = Value::entry(*entry);
            self.present[*key as usize / 64] |= 1 << (key % 64);
        }
    }

    /// Sets a key that bounds another one.
    pub(crate) fn set_limit(&mut self, key: Rank, value: Value) {
        if !self.has(key) {
            self.bounding.push(key);
        }
        self.set_plain(key, value);
    }

    pub(crate) fn set(&mut self, program: &Program, key: Rank, value: Value) {
        match program.limits[key as usize] {
            None => self.set_plain(key, value),
            Some(_) => self.set_limit(key, value),
        }
    }

    pub(crate) fn delete(&mut self, key: Rank) {
        if !self.has(key) {
            return;
        }
        self.present[key as usize / 64] &= !(1 << (key % 64));
        self.bounding.retain(|bounding| *bounding != key);
        if let Some(order) = &mut self.order {
            order.retain(|set| *set != key);
        }
    }

    /// The keys that bound others, in the order in which they got values.
    pub(crate) fn bounding(&self) -> &[Rank] {
        &self.bounding
    }

    /// The keys that have a value with their values, in the order of the keys.
    pub(crate) fn list(&self) -> Vec<Item> {
        let ones = self.present.iter().map(|word| word.count_ones() as usize);
        let mut list = Vec::with_capacity(ones.sum());
        for (word, present) in (0..).zip(&self.present) {
            let mut left = *present;
            while left != 0 {
                let key = word * 64 + left.trailing_zeros();
                left &= left - 1;
                list.push(Item::new(key, self.slots[key as usize]));
            }
        }
        list
    }

    pub(crate) fn text<'a>(&'a self, program: &'a Program, value: Value) -> &'a str {
        self.store.text(program, value)
    }

    /// Renames every key.
    pub(crate) fn rename_all(&mut self, suffix: u32, entry: EntryId) {
        for suffixed in &mut self.suffixed {
            suffixed.suffixes.push(suffix);
            suffixed.by.push(entry);
        }
        for key in self.order.iter().flatten() {
            self.suffixed.push(Suffixed {
                key: *key,
                suffixes: vec![suffix],
                by: vec![entry],
                value: self.slots[*key as usize],
            });
        }
        self.forget_plain();
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Kept {
        let in_order = self.order.iter().flatten().copied();
        let plain = match &self.order {
            Some(_) => in_order
                .map(|key| Item::new(key, self.slots[key as usize]))
                .collect(),
            None => self.list(),
        };
        let kept = Kept {
            plain,
            suffixed: std::mem::take(&mut self.suffixed),
            store: std::mem::take(&mut self.store),
        };
        self.clear();
        kept
    }

    /// Puts back what was taken out; it wins over what is there. Bounds have had their effect before.
    pub(crate) fn put(&mut self, kept: Kept) {
        let first = self.store.append(&kept.store);
        let moved = |value: Value| match value.kind() {
            Ok(_) => value,
            Err(made) => Value::made(first + made),
        };
        for item in kept.plain {
            self.set_plain(item.key, moved(item.value));
        }
        for mut suffixed in kept.suffixed {
            suffixed.value = moved(suffixed.value);
            let same = |have: &&mut Suffixed| {
                have.key == suffixed.key && have.suffixes == suffixed.suffixes
            };
            match self.suffixed.iter_mut().find(same) {
                Some(have) => have.value = suffixed.value,
                None => self.suffixed.push(suffixed),
            }
        }
    }
}
