//! The compiled tree: what the expansion walks.
//!
//! Keys and labels are numbers, filters are rows of label numbers, and every variant has a position: its number in the
//! order of the text. A piece of the text is then a range of positions, and "can this label still be chosen below here"
//! is a search in the sorted positions of the label.
//!
//! Everything lies in a few tables of the tree and points to each other by index: tens of thousands of statements cost
//! a handful of allocations, and a walk over them reads memory from front to back.

pub(crate) mod bound;
mod compile;
pub(crate) mod intern;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use crate::apply::program::Program;
use crate::origin::{Operator, Origin};
use crate::text::source::SourceFile;
use crate::text::span::{Extent, Span};
use crate::tree::bound::Limit;
use crate::tree::intern::Interner;

pub(crate) use crate::tree::compile::RESERVED;

pub(crate) type KeyId = u32;
pub(crate) type LabelId = u32;
pub(crate) type EntryId = u32;
pub(crate) type MatcherId = u32;
pub(crate) type GuardId = u32;
pub(crate) type ForkId = u32;
pub(crate) type ChoiceId = u32;

/// Everything that a configuration says.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) files: Vec<Arc<SourceFile>>,
    /// By file, where its text starts in the texts of all files, one after the other.
    pub(crate) bases: Vec<u32>,
    /// Bytes of all texts.
    pub(crate) bytes: u32,
    pub(crate) root: Block,

    pub(crate) keys: Interner,
    /// For each key that ends with `_max`, `_min` or `_fixed`: which other key it bounds, and how.
    pub(crate) limits: Vec<Option<(Limit, KeyId)>>,
    /// Labels in the form in which filters and names write them: `x` and `(block=x)` are two labels.
    pub(crate) labels: Interner,
    pub(crate) places: Places,

    pub(crate) ops: Vec<Op>,
    pub(crate) forks: Vec<Fork>,
    /// The forks of the blocks, each block's own in a row.
    pub(crate) fork_ids: Vec<ForkId>,
    pub(crate) choices: Vec<Choice>,
    /// Each label of a choice as `x` and as `(block=x)`; twice the same in an unnamed block.
    pub(crate) choice_labels: Vec<(LabelId, LabelId)>,
    pub(crate) dependencies: Vec<String>,
    pub(crate) guards: Vec<Guarded>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) joins: Vec<Join>,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) alternatives: Vec<Extent>,
    pub(crate) rows: Vec<Extent>,
    pub(crate) row_labels: Vec<LabelId>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) assigns: Vec<Assign>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) patterns: Vec<Regex>,
    /// The texts of all `suffix`.
    pub(crate) suffixes: Interner,

    program: OnceLock<Arc<Program>>,
}

/// For each label, the positions of the variants that have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Every label with every position of it, as they come in the text.
    all: Vec<(LabelId, u32)>,
    /// By label, where its positions start in `sorted`; one more at the end.
    starts: Vec<u32>,
    sorted: Vec<u32>,
    /// By position, the fork that it is a choice of.
    forks: Vec<ForkId>,
}

impl Places {
    /// The positions of the variants that have the label, in order.
    pub(crate) fn of(&self, label: LabelId) -> &[u32] {
        let at = label as usize;
        &self.sorted[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// The fork that has a choice at the position.
    pub(crate) fn fork(&self, position: u32) -> ForkId {
        self.forks[position as usize]
    }

    /// Positions given so far.
    pub(crate) fn count(&self) -> u32 {
        self.forks.len() as u32
    }

    /// Does a variant at one of these positions have the label?
    pub(crate) fn occurs(&self, label: LabelId, at: &Range<u32>) -> bool {
        let places = self.of(label);
        let first = places.partition_point(|place| *place < at.start);
        places.get(first).is_some_and(|place| *place < at.end)
    }
}

/// The body of a variant, or of the whole configuration.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Block {
    /// The statements in the order of the text.
    pub(crate) ops: Extent,
    /// The blocks of variants in it, in [`Tree::fork_ids`].
    pub(crate) forks: Extent,
    /// Every `only` and `no` in it, those in conditions too.
    pub(crate) guards: Extent,
    pub(crate) joins: Extent,
}

/// One `variants` block: a place where the expansion chooses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fork {
    /// The fork with the choice whose body it stands in.
    pub(crate) parent: Option<ForkId>,
    pub(crate) name: Option<KeyId>,
    /// In [`Tree::choices`].
    pub(crate) choices: Extent,
    /// The choice that stands for the block when only defaults are wanted, as an index into its choices.
    pub(crate) default: Option<u32>,
    /// The positions of all variants in it, nested ones too.
    pub(crate) positions: Range<u32>,
}

/// One variant of a fork.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice {
    /// In [`Tree::choice_labels`].
    pub(crate) labels: Extent,
    /// In [`Tree::dependencies`].
    pub(crate) dependencies: Extent,
    pub(crate) hidden: bool,
    /// The key that a named block sets.
    pub(crate) assigns: Option<KeyId>,
    /// Its name as a value, and where it stands.
    pub(crate) entry: EntryId,
    pub(crate) body: Block,
    /// Its own position; those of the variants in it follow, up to `end`.
    pub(crate) position: u32,
    pub(crate) end: u32,
}

/// A value as a statement writes it, and where the statement stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// In the texts of all files, one after the other.
    pub(crate) text: Extent,
    pub(crate) operator: Operator,
    pub(crate) file: u32,
    pub(crate) line: u32,
    /// The key, or the name of a variant.
    pub(crate) at: Extent,
}

/// Something done to the keys of a variant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// `key = value` without `${}`: nearly all there is.
    Set {
        key: KeyId,
        entry: EntryId,
    },
    /// Any other assignment, in [`Tree::assigns`].
    Assign(u32),
    Delete {
        key: KeyId,
        entry: EntryId,
    },
    /// The next `skip` operations are done only if the condition holds.
    When {
        condition: u32,
        skip: u32,
    },
    /// What the chosen variant of the fork does.
    Fork(ForkId),
    /// Every key that there is gets the suffix, in [`Tree::suffixes`].
    Suffix {
        suffix: u32,
        entry: EntryId,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Assign {
    pub(crate) target: Target,
    pub(crate) operator: Operator,
    pub(crate) entry: EntryId,
    /// The value in pieces, if it holds a `${}`.
    pub(crate) template: Option<Extent>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Key(KeyId),
    /// In [`Tree::patterns`].
    Pattern(u32),
}

/// A piece of a value with substitutions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    /// In the texts of all files, one after the other.
    Text(Extent),
    /// `${key}`; stays as it is written if the key has no value.
    Key(KeyId),
}

/// A filter compiled to labels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Matcher {
    /// One label: most filters.
    One(LabelId),
    /// Any one of these labels, in [`Tree::row_labels`].
    Any(Extent),
    /// Alternatives, in [`Tree::alternatives`], of rows that must all match, in [`Tree::rows`], of labels that follow
    /// each other, in [`Tree::row_labels`].
    Full(Extent),
}

/// A condition and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    /// The condition around it, in [`Tree::conditions`].
    pub(crate) outer: Option<u32>,
    pub(crate) negated: bool,
    pub(crate) matcher: MatcherId,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) at: Extent,
}

/// `only` or `no`, with the conditions it stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    /// The fork with the choice whose body it stands in.
    pub(crate) owner: Option<ForkId>,
    /// The innermost condition around it, in [`Tree::conditions`].
    pub(crate) under: Option<u32>,
    pub(crate) keep: bool,
    pub(crate) matcher: MatcherId,
}

/// `join a b`: one variant made of one that matches `a` and one that matches `b`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Join {
    /// How many forks of the block stand before it: those it chooses from, with everything before the block.
    pub(crate) after: u32,
    /// Its filters, in [`Tree::guards`].
    pub(crate) filters: Extent,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) at: Extent,
}

impl Tree {
    /// The forks of a block, in the order of the text.
    pub(crate) fn forks_of(&self, block: &Block) -> &[ForkId] {
        block.forks.items(&self.fork_ids)
    }

    pub(crate) fn fork(&self, id: ForkId) -> &Fork {
        &self.forks[id as usize]
    }

    pub(crate) fn choice(&self, id: ChoiceId) -> &Choice {
        &self.choices[id as usize]
    }

    pub(crate) fn labels_of(&self, choice: &Choice) -> &[(LabelId, LabelId)] {
        choice.labels.items(&self.choice_labels)
    }

    pub(crate) fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id as usize]
    }

    /// The last component of the name of the source that `entry` stands in.
    pub(crate) fn base_name(&self, entry: EntryId) -> &str {
        self.files[self.entry(entry).file as usize].base_name()
    }

    pub(crate) fn span(&self, file: u32, line: u32, at: Extent) -> Span {
        Span {
            file: Arc::clone(&self.files[file as usize]),
            line,
            at,
        }
    }

    pub(crate) fn entry_span(&self, entry: EntryId) -> Span {
        let entry = self.entry(entry);
        self.span(entry.file, entry.line, entry.at)
    }

    /// Where the value of `entry` came from, with what was joined to it.
    pub(crate) fn origin(&self, entry: EntryId, joined: &[EntryId]) -> Origin {
        let site = |id: EntryId| (self.entry_span(id), self.entry(id).operator);
        Origin::new(site(entry), joined.iter().map(|id| site(*id)))
    }

    /// The file with this place of the texts of all files.
    pub(crate) fn file_at(&self, at: u32) -> usize {
        // Of several that start at the same place, all but the last are empty.
        self.bases.partition_point(|base| *base <= at).max(1) - 1
    }

    /// A part of the texts of all files.
    pub(crate) fn part(&self, at: Extent) -> &str {
        let file = self.file_at(at.start);
        let base = self.bases[file];
        let at = Extent {
            start: at.start - base,
            end: at.end - base,
        };
        at.of(&self.files[file].text)
    }

    /// What the work on keys needs, made once.
    pub(crate) fn program(&self) -> &Program {
        self.program.get_or_init(|| Arc::new(Program::new(self)))
    }
}
