//! The statements as the work on keys wants them: keys numbered in the order of their names, texts cut to pieces.
//!
//! It is made when the first variant is, so that names alone do not pay for it.

use std::sync::Arc;

use crate::apply::compile;
use crate::origin::Operator;
use crate::text::source::SourceFile;
use crate::text::span::Extent;
use crate::tree::bound::Limit;
use crate::tree::intern::Interner;
use crate::tree::{ChoiceId, EntryId, ForkId, LabelId, Tree};

/// Keys that the expansion itself sets: statements on them have no effect (guide: *Formal definition*).
pub(crate) const RESERVED: [&str; 5] = [
    "name",
    "shortname",
    "dep",
    "_name_map_file",
    "_short_name_map_file",
];

/// The place of a key in the order of all keys.
pub(crate) type Rank = u32;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) texts: Texts,
    /// For each key that bounds another one: which, and how.
    pub(crate) limits: Vec<Option<(Limit, Rank)>>,
    pub(super) steps: Vec<Step>,
    /// What [`Step::Sets`] sets, by the place of the step.
    pub(super) sets: Vec<(Rank, EntryId)>,
    /// What is done in any case.
    pub(crate) root: Extent,
    /// By choice, what is done if it is chosen.
    pub(super) bodies: Vec<Extent>,
    /// By fork, the key that gets the name of the chosen variant.
    pub(super) fork_keys: Vec<Option<Rank>>,
    pub(crate) assigns: Vec<Assign>,
    pub(super) pieces: Vec<Piece>,
    /// The texts of all `suffix`.
    pub(super) suffixes: Interner,
    /// The steps that ask for a condition, in order, each with the condition.
    pub(super) conditions: Vec<(u32, u32)>,
}

self_cell::self_cell! {
    /// All texts, cut to pieces once: a piece is looked up a million times.
    pub(super) struct Texts {
        owner: Whole,
        #[covariant]
        dependent: Pieces,
    }
    impl {Debug}
}

#[derive(Debug)]
pub(super) struct Whole {
    /// The names of all keys, in order, one after the other.
    pub(super) names: String,
    pub(super) sources: Vec<Arc<SourceFile>>,
    /// Names of variants that stand in no source as they are.
    pub(super) made: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Pieces<'a> {
    /// By key, its name.
    pub(super) names: Vec<&'a str>,
    /// By statement, its value.
    pub(super) values: Vec<&'a str>,
}

/// An operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A row of `key = value` without `${}`: so many, this one and those that follow it.
    Sets(u32),
    /// A key that bounds another one: the order in which those got values counts.
    SetLimit {
        key: Rank,
        entry: EntryId,
    },
    /// Any other assignment, in [`Program::assigns`].
    Assign(u32),
    Delete {
        key: Rank,
        entry: EntryId,
    },
    /// The next `skip` operations are done only if the label is chosen.
    IfHas {
        label: LabelId,
        skip: u32,
    },
    IfHasNot {
        label: LabelId,
        skip: u32,
    },
    /// The next `skip` operations are done only if the condition holds.
    If {
        condition: u32,
        skip: u32,
    },
    /// What the chosen variant of the fork does.
    Fork(ForkId),
    /// Every key that there is gets the suffix.
    Suffix {
        suffix: u32,
        entry: EntryId,
    },
}

/// An assignment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assign {
    pub(crate) target: Target,
    pub(crate) operator: Operator,
    pub(crate) entry: EntryId,
    /// The value in pieces, if it holds a `${}`.
    pub(crate) template: Option<Extent>,
}

impl Assign {
    /// Is it for keys that have a value already?
    pub(crate) fn is_matching(&self) -> bool {
        matches!(
            self.operator,
            Operator::PatternSet | Operator::PatternAppend | Operator::PatternPrepend
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Key(Rank),
    /// In [`Syntax::patterns`](crate::syntax::Syntax::patterns).
    Pattern(u32),
}

/// A piece of a value with substitutions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    /// In the source of the statement.
    Text(Extent),
    /// `${key}`; stays as it is written if the key has no value.
    Key(Rank),
}

impl Program {
    pub(crate) fn new(tree: &Tree) -> Self {
        compile::compile(tree)
    }

    /// How many keys there are.
    pub(crate) fn keys(&self) -> usize {
        self.limits.len()
    }

    /// The name of a key.
    pub(crate) fn name(&self, key: Rank) -> &str {
        self.texts.borrow_dependent().names[key as usize]
    }

    /// The key with the name, if a statement speaks of it.
    pub(crate) fn find(&self, name: &str) -> Option<Rank> {
        let names = &self.texts.borrow_dependent().names;
        names.binary_search(&name).ok().map(|rank| rank as Rank)
    }

    /// The first key that comes after `name`, whether that is a key or not.
    pub(crate) fn first_after(&self, name: &str) -> Rank {
        let names = &self.texts.borrow_dependent().names;
        names.partition_point(|key| **key <= *name) as Rank
    }

    /// The names of all keys, and the values of all statements: for who looks up many.
    pub(crate) fn texts(&self) -> (&[&str], &[&str]) {
        let Pieces { names, values } = self.texts.borrow_dependent();
        (names, values)
    }

    /// The value that a statement writes, as it is written.
    pub(crate) fn text(&self, entry: EntryId) -> &str {
        self.texts.borrow_dependent().values[entry as usize]
    }

    /// The operations from `at` on.
    pub(crate) fn step(&self, at: u32) -> Step {
        self.steps[at as usize]
    }

    /// The settings of a row that begins at the step `at`.
    pub(crate) fn sets(&self, at: Extent) -> &[(Rank, EntryId)] {
        at.items(&self.sets)
    }

    pub(crate) fn body(&self, choice: ChoiceId) -> Extent {
        self.bodies[choice as usize]
    }

    pub(crate) fn fork_key(&self, fork: ForkId) -> Option<Rank> {
        self.fork_keys[fork as usize]
    }

    pub(crate) fn pieces(&self, template: Extent) -> &[Piece] {
        template.items(&self.pieces)
    }

    pub(crate) fn suffix(&self, suffix: u32) -> &str {
        self.suffixes.text(suffix)
    }

    pub(crate) fn has_suffixes(&self) -> bool {
        self.suffixes.len() > 0
    }

    /// The condition that the step `at` asks for.
    pub(crate) fn condition_at(&self, at: u32) -> Option<u32> {
        let found = self
            .conditions
            .binary_search_by_key(&at, |(step, _)| *step)
            .ok()?;
        Some(self.conditions[found].1)
    }
}
