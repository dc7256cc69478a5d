//! Filters: labels to numbers, and what is made of rows of labels.

use crate::syntax::{Atom, Joint, Kind};
use crate::text::span::Extent;
use crate::tree::compile::Compiler;
use crate::tree::{Block, EntryId, Guarded, Join, LabelId, Matcher, MatcherId};

impl Compiler<'_> {
    /// The joins of a block: those that stand after the same fork are one.
    pub(super) fn joins(&mut self, start: usize, end: usize, old: Block) -> Extent {
        let syntax = self.syntax;
        let first = self.tree.joins.len();
        self.tree.joins.extend_from_within(old.joins.range());
        let mut after = old.forks.len() as u32;
        for (at, stmt) in syntax.children(start, end) {
            let atoms = match stmt.kind {
                Kind::Variants { .. } => {
                    after += 1;
                    continue;
                }
                Kind::Join { atoms } => atoms.items(&syntax.atoms),
                _ => continue,
            };
            let filters = self.tree.guards.len();
            let known = self.tree.joins[first..]
                .iter()
                .position(|join| join.after == after)
                .map(|at| first + at);
            if let Some(known) = known {
                let before = self.tree.joins[known].filters.range();
                self.tree.guards.extend_from_within(before);
            }
            let mut rest = atoms;
            while let Some((_, more)) = rest.split_first() {
                let next = more.iter().position(|atom| atom.joint == Joint::Or);
                let (alternative, others) = rest.split_at(next.map_or(rest.len(), |at| at + 1));
                let matcher = self.matcher(syntax.text(stmt), alternative);
                self.tree.guards.push(Guarded {
                    owner: self.within,
                    under: None,
                    keep: true,
                    matcher,
                });
                rest = others;
            }
            let filters = Extent::since(&self.tree.guards, filters);
            match known {
                Some(known) => self.tree.joins[known].filters = filters,
                None => self.tree.joins.push(Join {
                    after,
                    filters,
                    entry: at as EntryId,
                }),
            }
        }
        Extent::since(&self.tree.joins, first)
    }

    /// The rows of labels after the colon, whatever joins them.
    pub(super) fn dependencies(&mut self, text: &str, atoms: &[Atom]) -> Extent {
        let first = self.tree.dependencies.len();
        for atom in atoms {
            let known = self.tree.dependencies.len() > first;
            let row = match self.tree.dependencies.last_mut() {
                Some(row) if known && atom.joint == Joint::Dot => {
                    row.push('.');
                    row
                }
                _ => {
                    self.tree.dependencies.push(String::new());
                    let last = self.tree.dependencies.len() - 1;
                    &mut self.tree.dependencies[last]
                }
            };
            write_label(
                row,
                atom.block.map(|block| block.of(text)),
                atom.name.of(text),
            );
        }
        Extent::since(&self.tree.dependencies, first)
    }

    pub(super) fn matcher(&mut self, text: &str, atoms: &[Atom]) -> MatcherId {
        let first = self.tree.row_labels.len();
        for atom in atoms {
            let block = atom.block.map(|block| block.of(text));
            let label = self.label(block, atom.name.of(text));
            self.tree.row_labels.push(label);
        }
        let labels = Extent::since(&self.tree.row_labels, first);
        // How all labels but the first are joined, if all are in one way.
        let joined_by = |joint: Joint| atoms.iter().skip(1).all(|atom| atom.joint == joint);
        let matcher = match *labels.items(&self.tree.row_labels) {
            [label] => Matcher::One(label),
            _ if joined_by(Joint::Or) => Matcher::Any(labels),
            _ if joined_by(Joint::And) => Matcher::All(labels),
            _ if joined_by(Joint::Dot) => Matcher::Row(labels),
            _ => Matcher::Full(self.alternatives(first, atoms)),
        };
        self.tree.matchers.push(matcher);
        self.tree.matchers.len() as MatcherId - 1
    }

    /// The alternatives of a filter whose labels start at `first`.
    pub(super) fn alternatives(&mut self, first: usize, atoms: &[Atom]) -> Extent {
        let tree = &mut *self.tree;
        let first_alternative = tree.alternatives.len();
        let mut first_row = tree.rows.len();
        let mut first_label = first;
        for (index, atom) in atoms.iter().enumerate() {
            let label = first + index;
            if index > 0 && atom.joint != Joint::Dot {
                tree.rows.push(Extent::new(first_label, label));
                first_label = label;
            }
            if index > 0 && atom.joint == Joint::Or {
                let rows = Extent::since(&tree.rows, first_row);
                tree.alternatives.push(rows);
                first_row = tree.rows.len();
            }
        }
        tree.rows
            .push(Extent::new(first_label, first + atoms.len()));
        let rows = Extent::since(&tree.rows, first_row);
        tree.alternatives.push(rows);
        Extent::since(&tree.alternatives, first_alternative)
    }

    pub(super) fn label(&mut self, block: Option<&str>, name: &str) -> LabelId {
        if block.is_none() {
            return self.tree.labels.intern(name);
        }
        self.scratch.clear();
        write_label(&mut self.scratch, block, name);
        self.tree.labels.intern(&self.scratch)
    }
}

/// Writes a label as filters and names do.
fn write_label(out: &mut String, block: Option<&str>, name: &str) {
    match block {
        Some(block) => out.extend(["(", block, "=", name, ")"]),
        None => out.push_str(name),
    }
}
