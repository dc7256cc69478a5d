//! The compiled tree: what the expansion walks.
//!
//! Keys and labels are numbers, filters are rows of label numbers, and every variant has a position: its number in the
//! order of the text. A piece of the text is then a range of positions, and "can this label still be chosen below here"
//! is a search in the sorted positions of the label.

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use crate::intern::Interner;
use crate::origin::{Operator, Origin};
use crate::post::Limit;
use crate::source::Span;

pub(crate) type KeyId = u32;
pub(crate) type LabelId = u32;

/// Everything that a configuration says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) keys: Interner,
    /// For each key that ends with `_max`, `_min` or `_fixed`: which other key it bounds, and how.
    pub(crate) limits: Vec<Option<(Limit, KeyId)>>,
    /// Labels in the form in which filters and names write them: `x` and `(block=x)` are two labels.
    pub(crate) labels: Interner,
    /// For each label, the positions of the variants that have it, in order.
    pub(crate) places: Vec<Vec<u32>>,
    pub(crate) root: Block,
    /// Positions given so far.
    pub(crate) positions: u32,
    /// Forks numbered so far.
    pub(crate) forks: usize,
}

impl Tree {
    /// Does a variant at one of these positions have the label?
    pub(crate) fn occurs(&self, label: LabelId, at: &Range<u32>) -> bool {
        let places = &self.places[label as usize];
        let first = places.partition_point(|place| *place < at.start);
        places.get(first).is_some_and(|place| *place < at.end)
    }
}

/// The body of a variant, or of the whole configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    /// The statements in the order of the text.
    pub(crate) parts: Vec<Part>,
    /// The blocks of variants in it.
    pub(crate) forks: Vec<Fork>,
    /// Every `only` and `no` in it, those in conditions too.
    pub(crate) filters: Vec<Guarded>,
    pub(crate) joins: Vec<Join>,
    /// The last `suffix`: it renames the keys when the block ends.
    pub(crate) suffix: Option<Arc<str>>,
}

impl Block {
    /// The join that stands after so many forks.
    pub(crate) fn join_after(&self, forks: usize) -> Option<&Join> {
        self.joins.iter().find(|join| join.after == forks)
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Actions(Vec<Action>),
    /// An index into [`Block::forks`].
    Fork(usize),
}

/// One `variants` block: a place where the expansion chooses.
#[derive(Debug, Clone)]
pub(crate) struct Fork {
    /// Its number in the tree.
    pub(crate) id: usize,
    pub(crate) name: Option<String>,
    pub(crate) choices: Vec<Choice>,
    /// The choice that stands for the block when only defaults are wanted.
    pub(crate) default: Option<usize>,
    /// The positions of all variants in it, nested ones too.
    pub(crate) positions: Range<u32>,
}

/// One variant of a fork.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Each label as `x` and as `(block=x)`; twice the same in an unnamed block.
    pub(crate) labels: Vec<(LabelId, LabelId)>,
    pub(crate) hidden: bool,
    pub(crate) dependencies: Vec<String>,
    /// The key that a named block sets.
    pub(crate) assigns: Option<(KeyId, Arc<Entry>)>,
    pub(crate) body: Block,
    pub(crate) origin: Origin,
    /// The last component of the name of its source.
    pub(crate) file: Arc<str>,
}

/// A value and where it came from.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Something done to the keys of a variant.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Assign(Assign),
    Delete(KeyId),
    When {
        negated: bool,
        filter: Arc<Matcher>,
        body: Vec<Action>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Assign {
    pub(crate) target: Target,
    pub(crate) operator: Operator,
    pub(crate) entry: Arc<Entry>,
    /// The value in pieces, if it holds a `${}`.
    pub(crate) template: Option<Vec<Piece>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
    Key(KeyId),
    Pattern(Arc<Regex>),
}

/// A piece of a value with substitutions.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    /// `${key}`; stays as it is written if the key has no value.
    Key(KeyId),
}

/// A filter compiled to labels: alternatives, groups that must all match, labels that follow each other.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    pub(crate) alternatives: Vec<Vec<Vec<LabelId>>>,
}

/// `only` or `no`, with the conditions it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    /// Each condition with whether it is negated.
    pub(crate) guards: Vec<(bool, Arc<Matcher>)>,
    pub(crate) keep: bool,
    pub(crate) filter: Matcher,
}

/// `join a b`: one variant made of one that matches `a` and one that matches `b`.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    /// How many forks of the block stand before it: those it chooses from, with everything before the block.
    pub(crate) after: usize,
    pub(crate) filters: Vec<Guarded>,
    pub(crate) span: Span,
}
