//! The tree as the work on keys wants it: keys numbered in the order of their names, texts cut to pieces.
//!
//! It is made when the first variant is, so that names alone do not pay for it.

use std::sync::Arc;

use crate::origin::Operator;
use crate::text::source::SourceFile;
use crate::text::span::Extent;
use crate::tree::bound::Limit;
use crate::tree::{Assign, Entry, EntryId, ForkId, KeyId, LabelId, Matcher, Op, Target, Tree};

/// The place of a key in the order of all keys.
pub(crate) type Rank = u32;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Program {
    /// By the number of the key.
    ranks: Vec<Rank>,
    texts: Texts,
    /// For each key that bounds another one: which, and how.
    pub(crate) limits: Vec<Option<(Limit, Rank)>>,
    /// The operations of the tree, each in its place.
    pub(crate) steps: Vec<Step>,
    /// What [`Step::Sets`] sets, by the place of the step.
    sets: Vec<(Rank, EntryId)>,
    pub(crate) assigns: Vec<Assign>,
}

self_cell::self_cell! {
    /// All texts, cut to pieces once: a piece is looked up a million times.
    struct Texts {
        owner: Whole,
        #[covariant]
        dependent: Pieces,
    }
    impl {Debug}
}

#[derive(Debug)]
struct Whole {
    /// The names of all keys, in order, one after the other.
    names: String,
    sources: Vec<Arc<SourceFile>>,
}

#[derive(Debug)]
struct Pieces<'a> {
    /// By key, its name.
    names: Vec<&'a str>,
    /// By statement, its value.
    values: Vec<&'a str>,
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
    Fork(ForkId),
    Suffix {
        suffix: u32,
        entry: EntryId,
    },
}

impl Program {
    pub(crate) fn new(tree: &Tree) -> Self {
        let sorted = tree.keys.sorted();
        let mut ranks = vec![0; sorted.len()];
        let mut whole = Whole {
            names: String::new(),
            sources: tree.files.clone(),
        };
        let mut names = Vec::with_capacity(sorted.len());
        for (rank, key) in (0..).zip(&sorted) {
            ranks[*key as usize] = rank;
            let start = whole.names.len();
            whole.names.push_str(tree.keys.text(*key));
            names.push(Extent::new(start, whole.names.len()));
        }
        let texts = Texts::new(whole, |whole| Pieces {
            names: names.iter().map(|at| at.of(&whole.names)).collect(),
            values: values(tree, &whole.sources),
        });
        let mut limits = vec![None; sorted.len()];
        for (key, limit) in tree.limits.iter().enumerate() {
            limits[ranks[key] as usize] = limit.map(|(limit, base)| (limit, ranks[base as usize]));
        }
        let assigns = tree
            .assigns
            .iter()
            .map(|assign| Assign {
                target: match assign.target {
                    Target::Key(key) => Target::Key(ranks[key as usize]),
                    pattern => pattern,
                },
                ..*assign
            })
            .collect();
        let mut program = Self {
            ranks,
            texts,
            limits,
            steps: Vec::with_capacity(tree.ops.len()),
            sets: Vec::with_capacity(tree.ops.len()),
            assigns,
        };
        program.steps(tree);
        program
    }

    /// Translates the operations of the tree, each to the same place.
    fn steps(&mut self, tree: &Tree) {
        // From the last to the first: a row of settings knows how long it is where it begins. One that leads out of the
        // block it begins in is cut there when it is done.
        for op in tree.ops.iter().rev() {
            let step = self.step(tree, op);
            let set = match (step, *op) {
                (Step::Sets(_), Op::Set { key, entry }) => (self.rank(key), entry),
                _ => (0, 0),
            };
            self.steps.push(step);
            self.sets.push(set);
        }
        self.steps.reverse();
        self.sets.reverse();
    }

    fn step(&self, tree: &Tree, op: &Op) -> Step {
        match *op {
            Op::Set { key, entry } => match (tree.limits[key as usize], self.steps.last()) {
                (None, Some(Step::Sets(more))) => Step::Sets(more + 1),
                (None, _) => Step::Sets(1),
                (Some(_), _) => Step::SetLimit {
                    key: self.rank(key),
                    entry,
                },
            },
            Op::Assign(id) => Step::Assign(id),
            Op::Delete { key, entry } => Step::Delete {
                key: self.rank(key),
                entry,
            },
            Op::When { condition, skip } => {
                let when = &tree.conditions[condition as usize];
                match (tree.matchers[when.matcher as usize], when.negated) {
                    (Matcher::One(label), false) => Step::IfHas { label, skip },
                    (Matcher::One(label), true) => Step::IfHasNot { label, skip },
                    _ => Step::If { condition, skip },
                }
            }
            Op::Fork(id) => Step::Fork(id),
            Op::Suffix { suffix, entry } => Step::Suffix { suffix, entry },
        }
    }

    pub(crate) fn keys(&self) -> usize {
        self.limits.len()
    }

    /// The name of a key.
    pub(crate) fn name(&self, key: Rank) -> &str {
        self.texts.borrow_dependent().names[key as usize]
    }

    pub(crate) fn rank(&self, key: KeyId) -> Rank {
        self.ranks[key as usize]
    }

    /// The value that a statement writes, as it is written.
    pub(crate) fn text(&self, entry: EntryId) -> &str {
        self.texts.borrow_dependent().values[entry as usize]
    }

    /// The settings of a row that begins at the step `at`.
    pub(crate) fn sets(&self, at: Extent) -> &[(Rank, EntryId)] {
        at.items(&self.sets)
    }
}

/// By statement, its value.
fn values<'a>(tree: &Tree, sources: &'a [Arc<SourceFile>]) -> Vec<&'a str> {
    // Statements that follow each other mostly stand in the same file.
    let mut last = 0..0;
    let mut text = "";
    let value = |entry: &Entry| {
        let at = entry.text;
        if !last.contains(&at.start) || at.end > last.end {
            let file = tree.file_at(at.start);
            text = &sources[file].text;
            let base = tree.bases[file];
            last = base..base + text.len() as u32;
        }
        Extent {
            start: at.start - last.start,
            end: at.end - last.start,
        }
        .of(text)
    };
    tree.entries.iter().map(value).collect()
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
