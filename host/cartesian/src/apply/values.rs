//! The values of one combination while its statements are being done.

use crate::apply::program::{Program, Rank};
use crate::apply::store::{Store, Value};
use crate::tree::{EntryId, Tree};

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
        let program = tree.program();
        let mut name = program.name(self.key).to_owned();
        name.extend(self.suffixes.iter().map(|at| program.suffix(*at)));
        name
    }

    /// The name as it is shown: the last suffix applied comes first.
    pub(crate) fn shown(&self, tree: &Tree) -> String {
        let program = tree.program();
        let mut name = program.name(self.key).to_owned();
        name.extend(self.suffixes.iter().rev().map(|at| program.suffix(*at)));
        name
    }
}

/// A key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The name of the key; `names` are those of the keys of the tree.
    pub(crate) fn key<'a>(&self, names: &[&'a str], unknown: &'a [Box<str>]) -> &'a str {
        match self.known() {
            Some(key) => names[key as usize],
            None => &unknown[(self.key & !Self::UNKNOWN) as usize],
        }
    }
}

/// The values of one combination.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    /// By key; means something only where `present` says so. As many as `present` has bits.
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
        let program = tree.program();
        let keys = program.keys();
        Self {
            slots: vec![Value::entry(0); keys.next_multiple_of(64)],
            present: vec![0; keys.div_ceil(64)],
            bounding: Vec::new(),
            order: program.has_suffixes().then(Vec::new),
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
        let has = self.has(key);
        if let Some(order) = &mut self.order
            && !has
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
        let mut table = Vec::new();
        self.list_in(&mut table).to_vec()
    }

    /// As [`Values::list`], in a table that is used again and again: it has room for all keys, so that there is nothing to
    /// be asked key by key.
    pub(crate) fn list_in<'t>(&self, table: &'t mut Vec<Item>) -> &'t mut [Item] {
        table.resize(self.slots.len(), Item::new(0, Value::entry(0)));
        let mut count = 0;
        let (words, _) = self.slots.as_chunks::<64>();
        for ((present, slots), first) in self.present.iter().zip(words).zip((0..).step_by(64)) {
            let mut left = *present;
            while left != 0 {
                let at = left.trailing_zeros();
                left &= left - 1;
                table[count] = Item::new(first + at, slots[at as usize % 64]);
                count += 1;
            }
        }
        &mut table[..count]
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
                Some(have) => {
                    have.value = suffixed.value;
                    // Both have given it the name.
                    let others = suffixed.by.into_iter().filter(|by| !have.by.contains(by));
                    let others: Vec<EntryId> = others.collect();
                    have.by.extend(others);
                }
                None => self.suffixed.push(suffixed),
            }
        }
    }
}
