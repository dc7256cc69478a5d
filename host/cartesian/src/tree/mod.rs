//! The compiled tree: what the expansion walks.
//!
//! Labels are numbers, filters are rows of label numbers, and every variant has a position: its number in the
//! order of the text. A piece of the text is then a range of positions, and "can this label still be chosen below here"
//! is a search in the sorted positions of the label.
//!
//! Everything lies in a few tables of the tree and points to each other by index: tens of thousands of statements cost
//! a handful of allocations, and a walk over them reads memory from front to back.
//!
//! What the statements do to the keys is left to the [`Program`], which is made when the first variant is: names alone
//! do not pay for it.

pub(crate) mod bound;
mod compile;
pub(crate) mod intern;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::apply::program::Program;
use crate::expand::append;
use crate::origin::Origin;
use crate::syntax::{Stmt, Syntax};
use crate::text::source::SourceFile;
use crate::text::span::{Extent, Span};
use crate::tree::intern::Interner;

pub(crate) type LabelId = u32;
/// A statement: what gave a key its value, or did something else to it.
pub(crate) type EntryId = u32;
pub(crate) type MatcherId = u32;
pub(crate) type GuardId = u32;
pub(crate) type ForkId = u32;
pub(crate) type ChoiceId = u32;

/// Everything that a configuration says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) syntax: Syntax,
    /// The statements of the root: a part for each source that was appended.
    pub(crate) parts: Vec<Part>,
    pub(crate) root: Block,

    /// Labels in the form in which filters and names write them: `x` and `(block=x)` are two labels.
    pub(crate) labels: Interner,
    pub(crate) places: Places,

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

/// Statements that follow each other, with the blocks they open.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    /// In [`Syntax::stmts`].
    pub(crate) stmts: Extent,
    /// The first of the conditions in it, in [`Tree::conditions`]; the others follow in the order of the text, before
    /// those in the blocks of variants in it.
    pub(crate) conditions: u32,
}

/// The body of a variant, or of the whole configuration.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Block {
    /// Its statements; those of the root are [`Tree::parts`].
    pub(crate) part: Part,
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
    pub(crate) name: Option<Box<str>>,
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
    /// Where it stands.
    pub(crate) entry: EntryId,
    pub(crate) body: Block,
    /// Its own position; those of the variants in it follow, up to `end`.
    pub(crate) position: u32,
    pub(crate) end: u32,
}

/// A filter compiled to labels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Matcher {
    /// One label: most filters.
    One(LabelId),
    /// Any one of these labels, in [`Tree::row_labels`].
    Any(Extent),
    /// All of these labels, wherever they stand, in [`Tree::row_labels`].
    All(Extent),
    /// These labels, which follow each other, in [`Tree::row_labels`].
    Row(Extent),
    /// Alternatives, in [`Tree::alternatives`], of rows that must all match, in [`Tree::rows`], of labels that follow
    /// each other, in [`Tree::row_labels`].
    Full(Extent),
}

/// A condition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    /// The condition around it, in [`Tree::conditions`].
    pub(crate) outer: Option<u32>,
    pub(crate) negated: bool,
    pub(crate) matcher: MatcherId,
    /// Where it stands.
    pub(crate) entry: EntryId,
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
    /// Where it stands.
    pub(crate) entry: EntryId,
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

    /// The names that a combination of these choices, the outermost first, depends on.
    pub(crate) fn dependencies_of(
        &self,
        path: impl Iterator<Item = ChoiceId> + Clone,
    ) -> Vec<String> {
        let path = path.map(|choice| self.choice(choice));
        let mut all = Vec::new();
        if path.clone().all(|choice| choice.dependencies.is_empty()) {
            return all;
        }
        let mut name = String::new();
        for choice in path {
            for dependency in choice.dependencies.items(&self.dependencies) {
                let mut full = name.clone();
                append(&mut full, dependency);
                all.push(full);
            }
            for (_, exact) in self.labels_of(choice) {
                append(&mut name, self.labels.text(*exact));
            }
        }
        all
    }

    pub(crate) fn files(&self) -> &[Arc<SourceFile>] {
        &self.syntax.files
    }

    pub(crate) fn entry(&self, id: EntryId) -> &Stmt {
        &self.syntax.stmts[id as usize]
    }

    pub(crate) fn span(&self, file: u32, line: u32, at: Extent) -> Span {
        Span {
            file: Arc::clone(&self.files()[file as usize]),
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
        let site = |id: EntryId| (self.entry_span(id), self.entry(id).operator());
        Origin::new(site(entry), joined.iter().map(|id| site(*id)))
    }

    /// What the work on keys needs, made once.
    pub(crate) fn program(&self) -> &Program {
        self.program.get_or_init(|| Arc::new(Program::new(self)))
    }
}
