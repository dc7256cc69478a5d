//! Strings to small numbers, so that keys and labels are compared and looked up as numbers.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::text::span::Extent;

/// A table of strings. A string keeps its number for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interner {
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// All strings, one after the other.
    texts: String,
    at: Vec<Extent>,
}

impl Interner {
    /// The number of `text`, a new one if it has none yet.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        let Self {
            ids,
            hasher,
            texts,
            at,
        } = self;
        // As bytes: where a string ends needs no check.
        let same = |id: &u32| texts.as_bytes()[at[*id as usize].range()] == *text.as_bytes();
        let rehash = |id: &u32| hasher.hash_one(at[*id as usize].of(texts));
        if let Some(id) = ids.find(hash, same) {
            return *id;
        }
        let id = at.len() as u32;
        ids.insert_unique(hash, id, rehash);
        at.push(Extent::new(texts.len(), texts.len() + text.len()));
        texts.push_str(text);
        id
    }

    /// The number of `text`, if it has one.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.ids.find(hash, |id| self.text(*id) == text).copied()
    }

    pub(crate) fn text(&self, id: u32) -> &str {
        self.at[id as usize].of(&self.texts)
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// The numbers of all strings, in the order of the strings.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        // Most comparisons are decided by the first eight bytes.
        let mut order: Vec<(u64, u32)> = (0..self.len() as u32)
            .map(|id| {
                let mut first = [0; 8];
                for (to, from) in first.iter_mut().zip(self.text(id).bytes()) {
                    *to = from;
                }
                (u64::from_be_bytes(first), id)
            })
            .collect();
        order.sort_unstable_by(|(a, x), (b, y)| {
            a.cmp(b).then_with(|| self.text(*x).cmp(self.text(*y)))
        });
        order.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_numbers() {
        let mut table = Interner::default();
        let words = ["b", "a", "", "abcdefghi", "abcdefgh", "b\0", "é"];
        let ids = words.map(|word| table.intern(word));
        assert_eq!(words.map(|word| table.intern(word)), ids);
        assert_eq!(words.map(|word| table.find(word)), ids.map(Some));
        assert_eq!(table.find("c"), None);
        let mut expected = words;
        expected.sort_unstable();
        let sorted: Vec<&str> = table
            .sorted()
            .into_iter()
            .map(|id| table.text(id))
            .collect();
        assert_eq!(sorted, expected);
    }
}
