//! The keys of one combination: the statements along its path, done in the order of the text.

mod compile;
pub(crate) mod leaf;
pub(crate) mod operand;
pub(crate) mod program;
pub(crate) mod store;
pub(crate) mod suffix;
pub(crate) mod trace;
pub(crate) mod values;

use crate::apply::program::{Assign, Program, Rank, Step, Target};
use crate::apply::store::Value;
use crate::apply::trace::{Change, Trace};
use crate::apply::values::Values;
use crate::error::{Error, ErrorKind};
use crate::expand::Walk;
use crate::origin::Operator;
use crate::text::span::Extent;
use crate::tree::{EntryId, Tree};

/// Keys of one combination that have suffixes.
const MAX_SUFFIXED: usize = 10_000;
/// Renamings of keys in one combination.
const MAX_RENAMINGS: usize = 1_000_000;
/// Bytes of what is known of patterns.
const MAX_KNOWN: usize = 64 << 20;

/// For each pattern, by key: whether it matches, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    known: Vec<Vec<Option<bool>>>,
    /// Bytes of it.
    size: usize,
}

impl Patterns {
    fn matches(&mut self, tree: &Tree, pattern: u32, key: Rank) -> bool {
        let program = tree.program();
        let at = pattern as usize;
        if self.known.len() <= at {
            self.known.resize(at + 1, Vec::new());
        }
        let known = &mut self.known[at];
        if known.is_empty() {
            if self.size + program.keys() > MAX_KNOWN {
                return tree.syntax.patterns[at].is_match(program.name(key));
            }
            self.size += program.keys();
            known.resize(program.keys(), None);
        }
        *known[key as usize]
            .get_or_insert_with(|| tree.syntax.patterns[at].is_match(program.name(key)))
    }
}

/// What the statements of one combination may look at and change.
struct Applier<'a, 't, T> {
    tree: &'t Tree,
    program: &'t Program,
    walk: &'a Walk<'t>,
    values: &'a mut Values,
    patterns: &'a mut Patterns,
    trace: &'a mut T,
}

/// Does everything along the path of `walk`; `values` are empty before.
pub(crate) fn apply<'t, T: Trace>(
    walk: &Walk<'t>,
    values: &mut Values,
    patterns: &mut Patterns,
    trace: &mut T,
) -> Result<(), Error> {
    let mut applier = Applier {
        tree: walk.tree,
        program: walk.tree.program(),
        walk,
        values,
        patterns,
        trace,
    };
    applier.ops(applier.program.root)
}

impl<'t, T: Trace> Applier<'_, 't, T> {
    fn rename(&mut self, suffix: u32, entry: EntryId) -> Result<(), Error> {
        self.values.rename_all(suffix, entry);
        let renamed = self.values.suffixed.len();
        self.values.renamings += renamed;
        if renamed > MAX_SUFFIXED || self.values.renamings > MAX_RENAMINGS {
            let message = format!(
                "suffixes rename more than {MAX_SUFFIXED} keys of one variant, or keys more than {MAX_RENAMINGS} times"
            );
            let span = self.tree.entry_span(entry);
            return Err(Error::new(ErrorKind::Limit, &span, message));
        }
        self.trace
            .change(self.values, Change::Renamed { suffix, entry });
        Ok(())
    }

    fn ops(&mut self, ops: Extent) -> Result<(), Error> {
        let program = self.program;
        let mut at = ops.start;
        while at < ops.end {
            let (holds, skip) = match program.step(at) {
                Step::Sets(count) => {
                    let row = Extent {
                        start: at,
                        end: at + count,
                    };
                    at = row.end;
                    self.set_row(program.sets(row));
                    continue;
                }
                Step::IfHas { label, skip } => (self.walk.scope.has(label), skip),
                Step::IfHasNot { label, skip } => (!self.walk.scope.has(label), skip),
                Step::If { condition, skip } => {
                    let when = &self.tree.conditions[condition as usize];
                    let matches = self.walk.scope.matches(when.matcher);
                    (matches != when.negated, skip)
                }
                step => {
                    self.step(step)?;
                    at += 1;
                    continue;
                }
            };
            if holds && !T::IS_TRACED {
                // What stands in the condition follows, and nobody wants to know where it ends.
                at += 1;
                continue;
            }
            if holds {
                self.trace.enter_condition(at);
                self.ops(Extent {
                    start: at + 1,
                    end: at + 1 + skip,
                })?;
                self.trace.leave();
            }
            at += 1 + skip;
        }
        Ok(())
    }

    fn set_row(&mut self, row: &[(Rank, EntryId)]) {
        if T::IS_TRACED {
            for (key, entry) in row.iter().copied() {
                self.values.set_plain(key, Value::entry(entry));
                self.trace.change(self.values, Change::Set { key, entry });
            }
        } else {
            self.values.set_row(row);
        }
    }

    /// Does one of the rarer operations.
    fn step(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::SetLimit { key, entry } => {
                self.values.set_limit(key, Value::entry(entry));
                self.trace.change(self.values, Change::Set { key, entry });
            }
            Step::Fork(fork) => {
                let id = self.walk.chosen[fork as usize];
                self.trace.enter_choice(id);
                if let Some(key) = self.program.fork_key(fork) {
                    let entry = self.tree.choice(id).entry;
                    self.values.set(self.program, key, Value::entry(entry));
                    self.trace.change(self.values, Change::Set { key, entry });
                }
                self.ops(self.program.body(id))?;
                self.trace.leave();
            }
            Step::Assign(id) => self.assign(&self.program.assigns[id as usize])?,
            Step::Delete { key, entry } => {
                self.delete(key);
                self.trace
                    .change(self.values, Change::Deleted { key, entry });
            }
            Step::Suffix { suffix, entry } => self.rename(suffix, entry)?,
            // `ops` does these.
            Step::Sets(_) | Step::IfHas { .. } | Step::IfHasNot { .. } | Step::If { .. } => {}
        }
        Ok(())
    }

    /// Takes a key away, and every key that suffixes gave the same name.
    fn delete(&mut self, key: Rank) {
        self.values.delete(key);
        if !self.values.suffixed.is_empty() {
            let name = self.program.name(key);
            let tree = self.tree;
            self.values
                .suffixed
                .retain(|suffixed| suffixed.applied(tree) != name);
        }
    }

    fn assign(&mut self, assign: &'t Assign) -> Result<(), Error> {
        let matching = assign.is_matching();
        let key = match assign.target {
            Target::Key(key) if !matching || self.values.suffixed.is_empty() => key,
            _ => return self.assign_matching(assign),
        };
        let entry = assign.entry;
        let old = self.values.get(key);
        let stays = match assign.operator {
            Operator::SetDefault => old.is_some(),
            _ => matching && old.is_none(),
        };
        if stays {
            self.trace.change(self.values, Change::Kept { key, entry });
            return Ok(());
        }
        let operand = self.operand(assign)?;
        let value = self.combine(assign, operand, old)?;
        self.values.set(self.program, key, value);
        self.trace.change(self.values, Change::Set { key, entry });
        Ok(())
    }

    /// Assigns to every key that has a value and a name that matches.
    fn assign_matching(&mut self, assign: &'t Assign) -> Result<(), Error> {
        let operand = self.operand(assign)?;
        let entry = assign.entry;
        for at in 0..self.values.suffixed.len() {
            let name = self.values.suffixed[at].applied(self.tree);
            let matches = match assign.target {
                Target::Key(key) => *self.program.name(key) == *name,
                Target::Pattern(pattern) => {
                    self.tree.syntax.patterns[pattern as usize].is_match(&name)
                }
            };
            if matches {
                let old = self.values.suffixed[at].value;
                let value = self.combine(assign, operand, Some(old))?;
                self.values.suffixed[at].value = value;
                let key = self.values.suffixed[at].key;
                self.trace.change(self.values, Change::Set { key, entry });
            }
        }
        for item in self.values.list() {
            let (Some(key), old) = (item.known(), item.value) else {
                continue;
            };
            let matches = match assign.target {
                Target::Key(wanted) => key == wanted,
                Target::Pattern(pattern) => self.patterns.matches(self.tree, pattern, key),
            };
            if matches {
                let value = self.combine(assign, operand, Some(old))?;
                self.values.set(self.program, key, value);
                self.trace.change(self.values, Change::Set { key, entry });
            }
        }
        Ok(())
    }
}
