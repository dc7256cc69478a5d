//! Values: texts of statements, and those that were put together for one combination.

use crate::apply::program::Program;
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

    pub(super) fn made(index: usize) -> Self {
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

    /// The other statements whose text is in the value.
    pub(crate) fn joined(&self, value: Value) -> &[EntryId] {
        match value.kind() {
            Ok(_) => &[],
            Err(made) => self.made[made].joined.items(&self.joined),
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
        let kind = |entry: EntryId| {
            let stmt = tree.entry(entry);
            tree.files()[stmt.file as usize].kind_at(stmt.line)
        };
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

    pub(super) fn clear(&mut self) {
        self.made.clear();
        self.text.clear();
        self.joined.clear();
    }

    /// Adds all that is in `other`; gives the index of the first value.
    pub(super) fn append(&mut self, other: &Self) -> usize {
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
